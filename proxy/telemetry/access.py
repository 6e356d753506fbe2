"""The access log: one line for every request, written when nobody waits for it.

`finished` copies the facts of a call; a timer of `boot` calls `drain`, which renders a bounded
number of lines in one go and hands them to the sink as one block. A request pays for two dozen
attribute reads, the loop never for a slow reader of the log.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, UnsetType

from proxy.core.call import Call
from proxy.core.failure import Failure, Origin
from proxy.telemetry.escape import visible
from proxy.telemetry.logs import Render


class Line(msgspec.Struct, frozen=True, gc=False):
    """One access line; docs/reference/access-log.md says what each field means.

    `failure` and `detail` stand only in the line of a request that failed, `continued` only where
    another engine went on with its stream, `key` and `trace_id` where it had one, `span_id` only if
    the trace is sampled.
    """

    timestamp: datetime
    level: str
    event: str
    request_id: str
    client: str
    surface: str
    method: str
    path: str
    model: str
    backend: str | None
    status: int
    end: str
    attempts: int
    queue_ms: float
    overhead_ms: float | None
    ttft_ms: float | None
    duration_ms: float
    stream: bool
    chunks: int
    bytes_in: int
    bytes_out: int
    tokens_in: int | None
    tokens_out: int | None
    failure: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    continued: int | UnsetType = UNSET
    key: str | UnsetType = UNSET
    trace_id: str | UnsetType = UNSET
    span_id: str | UnsetType = UNSET


_encode = msgspec.json.Encoder().encode_lines


class AccessLog:
    """Collects ended calls and renders their lines.

    `write` takes a block of whole lines (`Sink.write`), `monotonic` is the clock of the calls,
    `wall` is Unix time. Lines are JSON unless `render` (of `telemetry.logs`) is given for people.
    At most `capacity` calls wait for `drain`; later ones are only counted.
    """

    __slots__ = (
        "_write",
        "_render",
        "_monotonic",
        "_wall",
        "_capacity",
        "_epoch",
        "_waiting",
        "_dropped",
    )

    def __init__(
        self,
        write: Callable[[bytes], None],
        *,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
        render: Render | None = None,
        capacity: int = 16_384,
    ) -> None:
        self._write = write
        self._render: Callable[[list[Line]], bytes]
        self._render = _encode if render is None else _for_people(render)
        self._monotonic = monotonic
        self._wall = wall
        self._capacity = capacity
        self._epoch = wall() - monotonic()  # the wall's time when the calls' clock was 0
        self._waiting: list[Line] = []
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """The number of calls without a line, because too many were waiting."""
        return self._dropped

    def attempt_failed(self, call: Call, failure: Failure, *, retried: bool) -> None:
        """Do nothing: the line tells the number of attempts and the last failure."""

    def finished(self, call: Call) -> None:
        """Note one ended call. Hot: it keeps no reference to the call, its body or its backend."""
        if len(self._waiting) >= self._capacity:
            self._dropped += 1
            return
        ident, path, model = call.request_id, call.path, call.model
        foreign = ident + path + model  # one look instead of three, for all but odd requests
        if len(foreign) > 256 or not foreign.isprintable():
            ident, path, model = visible(ident), visible(path), visible(model)
        backend, failure = call.backend, call.failure
        received, queued, ended = call.received_at, call.queued_s, call.ended_at
        dispatched, first_token = call.dispatched_at, call.first_token_at
        grant, trace = call.grant, call.trace
        self._waiting.append(
            Line(  # by position: by name takes 0.7 us more
                datetime.fromtimestamp(self._epoch + ended, UTC),
                "info" if failure is None or failure.origin is Origin.CLIENT else "warning",
                "request",
                ident,
                call.client,
                call.surface,
                call.method,
                path,
                model,
                None if backend is None else backend.name,
                call.status,
                call.end,
                call.attempts,
                # To the microsecond, without the 0.7 us a call of `round` takes.
                queued * 1e6 // 1 / 1e3,
                (dispatched - received - queued) * 1e6 // 1 / 1e3 if dispatched else None,
                (first_token - received) * 1e6 // 1 / 1e3 if first_token else None,
                (ended - received) * 1e6 // 1 / 1e3,
                call.stream,
                call.chunks,
                call.body_size,
                call.bytes_out,
                call.tokens_in,
                call.tokens_out,
                UNSET if failure is None else failure.kind.value,
                UNSET if failure is None else visible(failure.detail, 512),
                call.continued or UNSET,
                UNSET if grant is None else grant.account.key.name,
                UNSET if trace is None else f"{trace.trace_id:032x}",
                UNSET if trace is None or not trace.span_id else f"{trace.span_id:016x}",
            )
        )

    def drain(self, limit: int = 256) -> int:
        """Write at most `limit` lines and return how many still wait.

        A line costs a microsecond or two, so the limit bounds how long the loop is held. While the
        result is not 0 the caller should come back sooner than usual.
        """
        waiting = self._waiting
        # The wall clock may be set; between two drains it is taken to run like the calls' clock.
        self._epoch = self._wall() - self._monotonic()
        if waiting:
            lines, self._waiting = waiting[:limit], waiting[limit:]
            self._write(self._render(lines))
        return len(self._waiting)

    def flush(self) -> None:
        """Write every line that waits: for the end of the process."""
        while self.drain():
            pass


def _for_people(render: Render) -> Callable[[list[Line]], bytes]:
    return lambda lines: b"".join([render(msgspec.structs.asdict(line)) for line in lines])
