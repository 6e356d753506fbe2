"""The last calls as they ended, and the attempts that failed before: what the dashboard looks at.

Remembering costs a call one append, without a frame of ours: the calls themselves are kept, at less
than a kilobyte each, and looked into only when somebody watches. What an ended call still refers to
is small: its body and its answer are gone by then.
"""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from proxy.core.backend import Backend
    from proxy.core.call import Call
    from proxy.core.failure import Failure

CALLS: Final = 2048  # at 30 requests a second, the last minute
TRIES: Final = 256


class Try:
    """One attempt that failed and that another one followed. `sent` is 0.0 if it never was."""

    __slots__ = ("backend", "call", "ended", "failure", "sent")

    def __init__(self, call: "Call", backend: "Backend", failure: "Failure", ended: float) -> None:
        self.call = call
        self.backend = backend
        self.failure = msgspec.structs.replace(failure, body=None)
        self.sent = call.dispatched_at
        self.ended = ended


class History:
    """An observer of calls. `finished` is the append itself."""

    __slots__ = ("_calls", "_now", "_tries", "finished")

    def __init__(self, now: "Callable[[], float]", *, calls: int = CALLS) -> None:
        self._now = now
        self._calls: deque[Call] = deque(maxlen=calls)
        self._tries: deque[Try] = deque(maxlen=TRIES)
        self.finished: Callable[[Call], None] = self._calls.append

    def attempt_failed(self, call: "Call", failure: "Failure", *, retried: bool) -> None:
        """Note an attempt that another one follows; the last one is told by the call itself."""
        if retried and call.backend is not None:
            self._tries.append(Try(call, call.backend, failure, self._now()))

    def calls(self, since: float = 0.0) -> "Iterator[Call]":
        """Return the calls that ended at `since` or later, newest first."""
        return takewhile(lambda call: call.ended_at >= since, reversed(self._calls))

    def after(self, known: "Call | None") -> "Iterator[Call]":
        """Return the calls that were told of after `known`, newest first; all if it is gone."""
        return takewhile(lambda call: call is not known, reversed(self._calls))

    def tries(self, since: float = 0.0) -> Iterator[Try]:
        """Return the failed attempts of `since` or later, newest first."""
        return takewhile(lambda one: one.ended >= since, reversed(self._tries))

    def tries_of(self, call: "Call") -> list[Try]:
        """Return the failed attempts of a call, oldest first.

        Where workers tell of calls, an attempt's call is another object than the one that ended.
        """
        came, ident = call.received_at, call.request_id
        return [
            one
            for one in self._tries
            if one.call.received_at == came and one.call.request_id == ident
        ]

    def find(self, request_id: str) -> "Call | None":
        """Return the newest call of that id; None if it is not there any more, or never was."""
        return next((call for call in reversed(self._calls) if call.request_id == request_id), None)
