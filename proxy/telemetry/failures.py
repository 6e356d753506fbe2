"""The last failures, for the status page: what went wrong lately, without a search in logs."""

from collections import deque
from collections.abc import Callable

import msgspec

from proxy.core.call import Call
from proxy.core.failure import Failure, Origin
from proxy.telemetry.escape import visible


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One failure. `at` is on the loop's monotonic clock; text is safe to show.

    `end` and `status` are the request's, empty and 0 if it went on at another backend (`retried`).
    """

    at: float
    request_id: str
    model: str
    backend: str | None
    kind: str
    detail: str
    attempt: int
    retried: bool
    end: str
    status: int


class Recent:
    """Remembers the last `keep` failures that were not the client's doing.

    Those a retry made good are among them: no client noticed, but an operator wants to know.
    """

    __slots__ = ("_now", "_records")

    def __init__(self, now: Callable[[], float], keep: int = 50) -> None:
        self._now = now
        self._records: deque[Record] = deque(maxlen=keep)

    def attempt_failed(self, call: Call, failure: Failure, *, retried: bool) -> None:
        """Note a failure that a retry follows; the last one of a request comes with its end."""
        if retried:
            self._note(call, failure, self._now(), retried=True)

    def finished(self, call: Call) -> None:
        """Note the failure a request ended with, if any."""
        if call.failure is not None:
            self._note(call, call.failure, call.ended_at, retried=False)

    def _note(self, call: Call, failure: Failure, at: float, *, retried: bool) -> None:
        if failure.origin is Origin.CLIENT:
            return
        self._records.append(
            Record(
                at=at,
                request_id=visible(call.request_id),
                model=visible(call.model),
                backend=call.backend.name if call.backend is not None else None,
                kind=failure.kind.value,
                detail=visible(failure.detail, 512),
                attempt=call.attempts,
                retried=retried,
                end=call.end,
                status=call.status,
            )
        )

    @property
    def records(self) -> tuple[Record, ...]:
        """The records, oldest first."""
        return tuple(self._records)
