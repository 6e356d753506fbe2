"""What active checks say about a backend, and when to check next.

Theory. A backend is UNKNOWN until its first check. One that has never been ready and fails is
STARTING: an engine loads its weights for minutes, which is no news. A READY backend that fails a
check, or comes under suspicion because a request failed there, is FAILING: still used (the breaker
guards it meanwhile) but checked quickly. `fall` failures in a row, of which the suspicion is one,
put it DOWN; `rise` good checks in a row bring it back. DRAINING is an order, not a finding: checks
go on but change nothing until `resume`, which starts over at UNKNOWN.

An event is a finding weighed with the count before it: PASSED is the success that completes `rise`,
PASSING one before it; FAILED is the failure that completes `fall`, STUMBLED one before it.

    state      PASSED    PASSING   STUMBLED  FAILED    SUSPECTED  DRAINED   RESUMED
    UNKNOWN    READY     UNKNOWN   STARTING  STARTING  UNKNOWN    DRAINING  UNKNOWN
    STARTING   READY     STARTING  STARTING  STARTING  STARTING   DRAINING  STARTING
    READY      READY     READY     FAILING   DOWN      FAILING    DRAINING  READY
    FAILING    READY     FAILING   FAILING   DOWN      FAILING    DRAINING  FAILING
    DOWN       READY     DOWN      DOWN      DOWN      DOWN       DRAINING  DOWN
    DRAINING   DRAINING  DRAINING  DRAINING  DRAINING  DRAINING   DRAINING  UNKNOWN
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from math import inf
from types import MappingProxyType

import msgspec
from typing_extensions import override


class State(StrEnum):
    """What is known about a backend's readiness."""

    UNKNOWN = "unknown"
    STARTING = "starting"
    READY = "ready"
    FAILING = "failing"
    DOWN = "down"
    DRAINING = "draining"


class Event(StrEnum):
    """A finding, weighed with what was found before it, or an order."""

    PASSED = "passed"
    PASSING = "passing"
    STUMBLED = "stumbled"
    FAILED = "failed"
    SUSPECTED = "suspected"
    DRAINED = "drained"
    RESUMED = "resumed"


def _row(state: State, *following: State) -> dict[tuple[State, Event], State]:
    return {(state, event): then for event, then in zip(Event, following, strict=True)}


_U, _S, _R, _F, _D, _X = State
NEXT: Mapping[tuple[State, Event], State] = MappingProxyType(
    _row(_U, _R, _U, _S, _S, _U, _X, _U)
    | _row(_S, _R, _S, _S, _S, _S, _X, _S)
    | _row(_R, _R, _R, _F, _D, _F, _X, _R)
    | _row(_F, _R, _F, _F, _D, _F, _X, _F)
    | _row(_D, _R, _D, _D, _D, _D, _X, _D)
    | _row(_X, _X, _X, _X, _X, _X, _X, _U)
)
USABLE = frozenset({State.READY, State.FAILING})


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How often to check and how much evidence to ask for. Times are seconds.

    `interval` holds while READY or DRAINING, `fast_interval` otherwise; both are spread by the
    share `jitter` to both sides. `gap` is the least time between two checks, however many requests
    fail meanwhile. `timeout` bounds one check.
    """

    interval: float = 5.0
    fast_interval: float = 1.0
    jitter: float = 0.2
    gap: float = 0.25
    timeout: float = 2.0
    fall: int = 2
    rise: int = 1


def _middle() -> float:
    return 0.5


def _nobody() -> None:
    return None


class Health:
    """The readiness of one backend. `jitter` returns a number in [0, 1); times are monotonic.

    `ready` tells whether requests may go there, `since` when the present state began, `reason` what
    the last check or suspicion said. `next_probe_at` is when a check is due; it is moved forward by
    `suspect` and `resume`. `recovered_at` is when it last came back from DOWN.
    `on_change` is called after every change of state.
    """

    __slots__ = (
        "_failures",
        "_policy",
        "_probed_at",
        "_spread",
        "_successes",
        "next_probe_at",
        "on_change",
        "ready",
        "reason",
        "recovered_at",
        "since",
        "state",
    )

    def __init__(self, policy: Policy, jitter: Callable[[], float] = _middle) -> None:
        self._policy = policy
        self._spread = jitter
        self.on_change: Callable[[], None] = _nobody
        self.state = State.UNKNOWN
        self.ready = False
        self.reason = "not checked yet"
        self.since = 0.0
        self.next_probe_at = 0.0
        self.recovered_at = -inf
        self._probed_at = -inf
        self._failures = 0
        self._successes = 0

    def probed(self, ok: bool, now: float, reason: str) -> bool:
        """Take in a finished check and plan the next; tell whether `ready` changed."""
        was_ready = self.ready
        if self.state is not State.DRAINING:  # why it drains is of more use than what checks say
            self.reason = reason
        self._probed_at = now
        self._move(self._weigh(ok=ok), now)
        policy = self._policy
        calm = self.state is State.READY or self.state is State.DRAINING
        interval = policy.interval if calm else policy.fast_interval
        self.next_probe_at = now + interval * (1.0 + policy.jitter * (2.0 * self._spread() - 1.0))
        return self.ready is not was_ready

    def unasked(self, now: float) -> None:
        """Plan the next check after one that could not be made: nothing was found."""
        self._probed_at = now
        self.next_probe_at = now + self._policy.fast_interval

    def suspect(self, now: float, reason: str = "a request failed") -> None:
        """Ask for a check at once: a request failed in a way that speaks against the backend."""
        if self.state is State.READY:
            self._successes = 0
            self._failures = min(1, self._policy.fall - 1)  # never enough on its own
            self.reason = reason
        soonest = max(now, self._probed_at + self._policy.gap)
        self.next_probe_at = min(self.next_probe_at, soonest)
        self._move(Event.SUSPECTED, now)

    def drain(self, now: float, reason: str = "draining") -> None:
        """Take the backend out of use until `resume`; what runs there is left alone."""
        self.reason = reason
        self._move(Event.DRAINED, now)

    def resume(self, now: float) -> None:
        """End a drain: the backend is used again after its next good check, which is due now."""
        if self.state is State.DRAINING:
            self._failures = self._successes = 0
            self.next_probe_at = now
        self._move(Event.RESUMED, now)

    def _weigh(self, *, ok: bool) -> Event:
        if ok:
            self._failures = 0
            self._successes += 1
            return Event.PASSED if self._successes >= self._policy.rise else Event.PASSING
        self._successes = 0
        self._failures += 1
        return Event.FAILED if self._failures >= self._policy.fall else Event.STUMBLED

    def _move(self, event: Event, now: float) -> None:
        before = self.state
        self.state = NEXT[before, event]
        if self.state is before:
            return
        self.since = now
        self.ready = self.state in USABLE
        if before is State.DOWN and self.ready:
            self.recovered_at = now
        self.on_change()

    @override
    def __repr__(self) -> str:
        """Show the state and its reason."""
        return f"<Health {self.state.value} since={self.since:.3f} {self.reason!r}>"
