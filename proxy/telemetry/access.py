"""The access log: one line for every request, written when nobody waits for it.

`finished` only copies the facts of a call into a tuple; a timer of `boot` calls `drain`, which
renders a bounded number of lines and hands them to the sink as one block. A request pays for two
dozen attribute reads, the loop never for a slow reader of the log.
"""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, UnsetType

from proxy.core.call import Call
from proxy.core.failure import Failure, Origin
from proxy.telemetry.escape import visible
from proxy.telemetry.logs import Render

# What `finished` notes, flat because one tuple is cheaper than four.
_Who = tuple[str, str, str, str, str, str, str | None, int, str, int]  # request_id ... attempts
_Counts = tuple[bool, int, int, int, int | None, int | None]  # stream ... tokens_out
_Times = tuple[float, float, float, float, float]  # received, queued (a duration), ... ended
_Facts = tuple[*_Who, *_Counts, *_Times, Failure | None]


class Line(msgspec.Struct, frozen=True, gc=False):
    """One access line; docs/reference/access-log.md says what each field means.

    `failure` and `detail` stand only in the line of a request that failed.
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


_encode = msgspec.json.Encoder().encode


class AccessLog:
    """Collects ended calls and renders their lines.

    `write` takes a block of whole lines (`Sink.write`), `monotonic` is the clock of the calls,
    `wall` is Unix time. Lines are JSON unless `render` (of `telemetry.logs`) is given for people.
    At most `capacity` calls wait for `drain`; later ones are only counted.
    """

    __slots__ = ("_write", "_render", "_monotonic", "_wall", "_capacity", "_waiting", "_dropped")

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
        self._render = _json if render is None else _for_people(render)
        self._monotonic = monotonic
        self._wall = wall
        self._capacity = capacity
        self._waiting: deque[_Facts] = deque()
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """The number of calls without a line, because too many were waiting."""
        return self._dropped

    def started(self) -> None:
        """Do nothing: a line is written at the end."""

    def attempt_failed(self, call: Call, failure: Failure, *, retried: bool) -> None:
        """Do nothing: the line tells the number of attempts and the last failure."""

    def finished(self, call: Call) -> None:
        """Note one ended call. Hot: it keeps no reference to the call, its body or its backend."""
        if len(self._waiting) >= self._capacity:
            self._dropped += 1
            return
        backend = call.backend
        failure = call.failure
        self._waiting.append(
            (
                call.request_id,
                call.client,
                call.surface,
                call.method,
                call.path,
                call.model,
                None if backend is None else backend.name,
                call.status,
                call.end,
                call.attempts,
                call.stream,
                call.chunks,
                call.body_size,
                call.bytes_out,
                call.tokens_in,
                call.tokens_out,
                call.received_at,
                call.queued_s,
                call.dispatched_at,
                call.first_token_at,
                call.ended_at,
                failure if failure is None or failure.body is None else _light(failure),
            )
        )

    def drain(self, limit: int = 256) -> int:
        """Write at most `limit` lines and return how many calls still wait.

        A line costs a few microseconds, so the limit bounds how long the loop is held. While the
        result is not 0 the caller should come back sooner than usual.
        """
        waiting = self._waiting
        count = min(limit, len(waiting))
        if count:
            epoch = self._wall() - self._monotonic()
            render = self._render
            self._write(b"".join([render(_line(waiting.popleft(), epoch)) for _ in range(count)]))
        return len(waiting)

    def flush(self) -> None:
        """Write every line that waits: for the end of the process."""
        while self.drain():
            pass


def _for_people(render: Render) -> Callable[[Line], bytes]:
    return lambda line: render(msgspec.structs.asdict(line))


def _json(line: Line) -> bytes:
    return _encode(line) + b"\n"


def _light(failure: Failure) -> Failure:
    """Return `failure` without the engine's error body, which would wait here for nothing."""
    return msgspec.structs.replace(failure, body=None)


def _line(facts: _Facts, epoch: float) -> Line:
    who, counts = facts[:10], facts[10:16]
    received, queued, dispatched, first_token, ended, failure = facts[16:]
    foreign = who[0] + who[4] + who[5]  # one look instead of three, for all but odd requests
    if len(foreign) > 256 or not foreign.isprintable():
        who = (visible(who[0]), *who[1:4], visible(who[4]), visible(who[5]), *who[6:])
    blameless = failure is None or failure.origin is Origin.CLIENT
    return Line(  # by position: by name takes 0.7 us more
        datetime.fromtimestamp(epoch + ended, UTC),
        "info" if blameless else "warning",
        "request",
        *who,
        # To the microsecond, without the 0.7 us a call of `round` takes.
        queued * 1e6 // 1 / 1e3,
        (dispatched - received - queued) * 1e6 // 1 / 1e3 if dispatched else None,
        (first_token - received) * 1e6 // 1 / 1e3 if first_token else None,
        (ended - received) * 1e6 // 1 / 1e3,
        *counts,
        UNSET if failure is None else failure.kind.value,
        UNSET if failure is None else visible(failure.detail, 512),
    )
