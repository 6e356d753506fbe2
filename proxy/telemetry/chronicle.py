"""When each backend changed, as far as anybody can tell who looks once a second.

Breakers and checks keep only their present state. Comparing it with that of the look before costs
the way of requests nothing; a change that was undone within the second shows only in the count of
openings, and is told from that.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from proxy.core.backend import Backend
from proxy.core.breaker import State

KEEP: Final = 200


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a backend. `at` is on the loop's monotonic clock.

    `what` is `health`, `breaker`, `standing` or `backend`; of breaker and standing, `reason` is
    empty.
    """

    at: float
    backend: str
    what: str
    before: str
    after: str
    reason: str = ""


class _Seen(msgspec.Struct, frozen=True):
    health: str
    breaker: State
    opened: int
    standing: str


class Chronicle:
    """Compares the backends with what they were at the look before."""

    __slots__ = ("_changes", "_known")

    def __init__(self, keep: int = KEEP) -> None:
        self._known: dict[Backend, _Seen] = {}
        self._changes: deque[Change] = deque(maxlen=keep)

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes, oldest first."""
        return tuple(self._changes)

    def look(self, backends: Sequence[Backend], now: float) -> None:
        """Note what has changed since the last look."""
        known, self._known = self._known, {}
        for backend in backends:
            seen = self._known[backend] = _seen(backend, now)
            before = known.pop(backend, None)
            if before is None:
                continue  # the first look: there is nothing to compare with
            self._health(backend, before, seen, now)
            self._breaker(backend, before, seen, now)
            if before.standing != seen.standing:
                self._note(backend, "standing", before.standing, seen.standing, now)
        for gone in known:
            self._note(gone, "backend", "in use", "removed", now, "the settings lack it now")

    def _health(self, backend: Backend, before: _Seen, seen: _Seen, now: float) -> None:
        if before.health != seen.health:
            reason = backend.health.reason
            self._note(backend, "health", before.health, seen.health, now, reason)

    def _breaker(self, backend: Backend, before: _Seen, seen: _Seen, now: float) -> None:
        was, now_is, opened = before.breaker, seen.breaker, State.OPEN
        if seen.opened > before.opened and was is not opened and now_is is not opened:
            self._note(backend, "breaker", was.value, opened.value, now)  # and back, unseen
            was = opened
        if was is not now_is:
            self._note(backend, "breaker", was.value, now_is.value, now)

    def _note(
        self, backend: Backend, what: str, before: str, after: str, now: float, reason: str = ""
    ) -> None:
        self._changes.append(
            Change(
                at=now, backend=backend.name, what=what, before=before, after=after, reason=reason
            )
        )


def _seen(backend: Backend, now: float) -> _Seen:
    breaker = backend.breaker
    return _Seen(
        backend.health.state.value,
        breaker.state(now),
        breaker.opened_count,
        backend.standing.value,
    )
