"""Stop sending to a backend that fails, and find out cheaply when it works again.

Theory. A breaker is CLOSED while its backend is trusted. Three kinds of evidence trip it to OPEN:
failures in a row, refused connections in a row (fewer are enough: nothing listens there), or a low
success rate in a sliding window. An OPEN breaker admits nobody until its time is over; then it is
HALF_OPEN and admits exactly one request, the probe. The probe's result decides: success closes,
failure opens again for twice as long. OPEN turns HALF_OPEN by the clock alone, so nothing has to
tick: `state` and `allows` look at `now`, `admit` makes the move.

Every admitted request carries a token, the number of the era it was admitted in. A trip, a close
and each probe begin a new era, and results from an older one are ignored: a slow answer from before
the trip neither closes the breaker nor trips it twice.

    state      PASSED      TRIPPED     WAITED
    CLOSED     CLOSED      OPEN        CLOSED
    OPEN       OPEN        OPEN        HALF_OPEN
    HALF_OPEN  CLOSED      OPEN        HALF_OPEN
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from math import inf
from types import MappingProxyType

import msgspec
from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin

UNTRACKED = 0  # the token of a request sent past an open breaker: its result says nothing
_BUCKETS = 10


class State(StrEnum):
    """Whether requests may go to the backend."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Event(StrEnum):
    """What moves a breaker from one state to another."""

    PASSED = "passed"  # a result of the present era was good
    TRIPPED = "tripped"  # the evidence is sufficient; for a probe, any failure is
    WAITED = "waited"  # the open time is over and somebody asks to be admitted


NEXT: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.CLOSED, Event.PASSED): State.CLOSED,
        (State.CLOSED, Event.TRIPPED): State.OPEN,
        (State.CLOSED, Event.WAITED): State.CLOSED,
        (State.OPEN, Event.PASSED): State.OPEN,
        (State.OPEN, Event.TRIPPED): State.OPEN,
        (State.OPEN, Event.WAITED): State.HALF_OPEN,
        (State.HALF_OPEN, Event.PASSED): State.CLOSED,
        (State.HALF_OPEN, Event.TRIPPED): State.OPEN,
        (State.HALF_OPEN, Event.WAITED): State.HALF_OPEN,
    }
)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """When to trip and how long to stay open. Times are seconds, rates are shares of one.

    `jitter` spreads an open time by that share to both sides. `decay` is the healthy time after
    which the doubling of the open time is taken back by one step. `probe_timeout` frees the probe's
    place when its result never comes; it should not be shorter than the wait for a first token.
    """

    failures: int = 5
    refusals: int = 3
    success_rate: float = 0.8
    window: float = 10.0
    samples: int = 10
    open_time: float = 2.0
    max_open_time: float = 60.0
    jitter: float = 0.5
    decay: float = 30.0
    probe_timeout: float = 600.0


class Blame(StrEnum):
    """How much a failure says against the backend it happened at."""

    NONE = "none"  # the client's doing, ours, or nobody's: report the call as abandoned
    SOFT = "soft"  # the backend is full or refuses us: counts in the success rate only
    PLAIN = "plain"
    HARD = "hard"  # nothing listens


_BROKEN_STATUS = frozenset({500, 502, 503, 504})
_FULL_STATUS = frozenset({429, 529})
# The credentials an engine refuses are ours: a client's never reach it.
_REFUSED_STATUS = frozenset({401, 403})
_KIND_BLAME: Mapping[Kind, Blame] = MappingProxyType(
    {
        Kind.CONNECT_REFUSED: Blame.HARD,
        Kind.CONNECT_TIMEOUT: Blame.PLAIN,
        Kind.CONNECT_FAILED: Blame.PLAIN,
        Kind.CONNECT_TLS: Blame.PLAIN,
        Kind.CLOSED: Blame.PLAIN,
        Kind.BAD_RESPONSE: Blame.PLAIN,
        Kind.TRUNCATED: Blame.PLAIN,
        Kind.FIRST_TOKEN_TIMEOUT: Blame.PLAIN,
        Kind.IDLE_TIMEOUT: Blame.PLAIN,
    }
)


_CONDITION_BLAME: Mapping[str, Blame] = MappingProxyType(
    {
        "client": Blame.NONE,
        "model-missing": Blame.NONE,  # its list is read again
        "path-missing": Blame.NONE,  # it is asked in another way
        "auth": Blame.SOFT,
        "loading": Blame.NONE,  # what probes are for
        "sleeping": Blame.NONE,
        "draining": Blame.NONE,
        "overloaded": Blame.SOFT,
        "dead": Blame.HARD,
    }
)


def blame(failure: Failure) -> Blame:
    """Return what `failure` says against the backend that was being used.

    A free CLOSED is the end of a connection that had been idle too long: nobody's fault. A status
    or error event is judged by the condition the engine's profile finds in it, else by its status;
    an error event without one is the engine's own.
    """
    if failure.condition:
        return _CONDITION_BLAME[failure.condition]
    if failure.origin is Origin.CLIENT or failure.origin is Origin.PROXY:
        return Blame.NONE
    if failure.kind is Kind.CLOSED and failure.free:
        return Blame.NONE
    if failure.kind is Kind.ERROR_EVENT and failure.status is None:
        return Blame.PLAIN
    if failure.kind is Kind.STATUS or failure.kind is Kind.ERROR_EVENT:
        return blame_of_status(failure.status, told_to_wait=failure.retry_after is not None)
    return _KIND_BLAME.get(failure.kind, Blame.NONE)


def blame_of_status(status: int | None, *, told_to_wait: bool) -> Blame:
    """Return what an engine's HTTP status says against it; `told_to_wait` is a Retry-After."""
    if status in _FULL_STATUS or status in _REFUSED_STATUS:
        return Blame.SOFT
    if status == 503 and told_to_wait:
        return Blame.SOFT
    return Blame.PLAIN if status in _BROKEN_STATUS else Blame.NONE


def _always() -> bool:
    return True


def _nobody() -> None:
    return None


class Breaker:
    """The breaker of one backend. `jitter` returns a number in [0, 1); times are monotonic.

    `closed` is `state() is CLOSED` as a plain attribute, for the hot path. `run` counts bad results
    since the last good one, soft ones included. `recovered_at` is when it last closed again.
    `on_change` is called after every change of state; `may_trip_softly` is asked before a low
    success rate alone may trip, so that somebody who sees all backends can keep half of them open.
    """

    __slots__ = (
        "_bad",
        "_consecutive",
        "_era",
        "_good",
        "_level",
        "_opened_at",
        "_policy",
        "_refusals",
        "_slot",
        "_slot_free_at",
        "_spread",
        "_state",
        "_until",
        "_width",
        "closed",
        "may_trip_softly",
        "on_change",
        "opened_count",
        "recovered_at",
        "run",
    )

    def __init__(self, policy: Policy, jitter: Callable[[], float]) -> None:
        self._policy = policy
        self._spread = jitter
        self.on_change: Callable[[], None] = _nobody
        self.may_trip_softly: Callable[[], bool] = _always
        self.closed = True
        self.opened_count = 0
        self.recovered_at = -inf
        self.run = 0
        self._state = State.CLOSED
        self._era = UNTRACKED + 1
        self._level = 0  # how often the open time has been doubled
        self._opened_at = -inf
        self._until = -inf  # end of the open time
        self._slot_free_at = -inf  # the probe's place is taken before that time
        self._consecutive = 0
        self._refusals = 0
        self._width = policy.window / _BUCKETS
        self._slot = -_BUCKETS
        self._good = [0] * _BUCKETS
        self._bad = [0] * _BUCKETS

    def wait(self, seconds: float) -> None:
        """Free the place of a probe after so many seconds from now on (`Policy.probe_timeout`)."""
        self._policy = msgspec.structs.replace(self._policy, probe_timeout=seconds)

    def state(self, now: float) -> State:
        """Return the state at `now`."""
        if self._state is State.OPEN and now >= self._until:
            return NEXT[State.OPEN, Event.WAITED]
        return self._state

    @property
    def next_probe_at(self) -> float | None:
        """Return when a request is admitted again; None while closed. It may lie in the past."""
        return None if self.closed else max(self._until, self._slot_free_at)

    def allows(self, now: float) -> bool:
        """Tell whether a request would be admitted at `now`. Changes nothing."""
        return self.closed or (now >= self._until and now >= self._slot_free_at)

    def admit(self, now: float) -> int:
        """Admit one request and return its token; in HALF_OPEN it takes the probe's place.

        A request that `allows` would refuse (a client insisted on this backend) gets `UNTRACKED`.
        """
        if self.closed:
            return self._era
        if not self.allows(now):
            return UNTRACKED
        self._era += 1
        self._slot_free_at = now + self._policy.probe_timeout
        self._move(Event.WAITED)
        return self._era

    def succeeded(self, token: int, now: float) -> None:
        """Take in a good result. Call it once the answer has ended well."""
        if token != self._era:
            return
        self.run = self._consecutive = self._refusals = 0
        if self.closed:
            self._good[self._bucket(now)] += 1
            return
        self._begin_era()
        self.recovered_at = now
        self._move(Event.PASSED)

    def failed(self, token: int, now: float, *, hard: bool, soft: bool = False) -> None:
        """Take in a bad result: `hard` = nothing listens, `soft` = full rather than broken."""
        if token != self._era:
            return
        self.run += 1
        if not self.closed:
            self._trip(now)
            return
        self._bad[self._bucket(now)] += 1
        if not soft:
            self._consecutive += 1
            self._refusals = self._refusals + 1 if hard else 0
        if self._convicted() or (self._below_rate() and self.may_trip_softly()):
            self._trip(now)

    def abandoned(self, token: int, now: float) -> None:
        """Free the probe's place: its client left, so there is no verdict."""
        if token == self._era and not self.closed:
            self._slot_free_at = now

    def recovered(self, now: float) -> None:
        """Waive the doubling of the open time: an active check works again after having failed."""
        if self._state is State.OPEN:
            self._until = min(self._until, max(now, self._opened_at + self._policy.open_time))

    def _convicted(self) -> bool:
        policy = self._policy
        return self._consecutive >= policy.failures or self._refusals >= policy.refusals

    def _below_rate(self) -> bool:
        good, bad = sum(self._good), sum(self._bad)
        total = good + bad
        return total >= self._policy.samples and good < self._policy.success_rate * total

    def _bucket(self, now: float) -> int:
        # Counts are exact to a tenth of the window; buckets gone by are emptied on the way.
        slot = int(now // self._width)
        gone = slot - self._slot
        if gone > 0:
            for past in range(max(self._slot + 1, slot - _BUCKETS + 1), slot + 1):
                self._good[past % _BUCKETS] = self._bad[past % _BUCKETS] = 0
            self._slot = slot
        return slot % _BUCKETS

    def _trip(self, now: float) -> None:
        policy = self._policy
        if self.closed:
            healthy = now - max(self.recovered_at, self._opened_at)
            steps = self._level if healthy == inf else int(healthy / policy.decay)
            self._level = max(0, self._level - steps)
        wait = min(policy.open_time * 2.0**self._level, policy.max_open_time)
        self._level = min(self._level + 1, 32)  # beyond any cap; keeps the power finite
        self._opened_at = now
        self._until = now + wait * (1.0 + policy.jitter * (2.0 * self._spread() - 1.0))
        self._slot_free_at = -inf
        self.opened_count += 1
        self._begin_era()
        self._move(Event.TRIPPED)

    def _begin_era(self) -> None:
        self._era += 1
        self._consecutive = self._refusals = 0
        self._good = [0] * _BUCKETS
        self._bad = [0] * _BUCKETS

    def _move(self, event: Event) -> None:
        before = self._state
        self._state = NEXT[before, event]
        self.closed = self._state is State.CLOSED
        if self._state is not before:
            self.on_change()

    @override
    def __repr__(self) -> str:
        """Show the state and the evidence."""
        return (
            f"<Breaker {self._state.value} run={self.run} good={sum(self._good)}"
            f" bad={sum(self._bad)} opened={self.opened_count}>"
        )
