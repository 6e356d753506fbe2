"""Whether a backend that answers its checks is good enough to be sent calls.

Theory. Breaker and health see what fails. An engine can be a burden without failing: three times
slower than others with the same model, silent while its queue grows, or back every few seconds for
a few seconds. It is then passed over: it stays what is used if nobody else has room, so no call is
ever refused because of it. After a hold it is tried again, at the pace of slow start; who has to be
passed over again is held twice as long, and a time of good standing takes one doubling back.
Coming back asks for more than staying did (`fine` is less than `factor`), so that nobody swings at
the edge.

FINE says that the figures are well within bounds, or that the trial has lasted without complaint;
SLOW, SILENT and UNSTEADY are complaints; OVER is the end of the hold.

    state      FINE      SLOW      SILENT    UNSTEADY  OVER
    GOOD       GOOD      SLOW      SILENT    UNSTEADY  GOOD
    SLOW       SLOW      SLOW      SILENT    UNSTEADY  TRIAL
    SILENT     SILENT    SILENT    SILENT    UNSTEADY  TRIAL
    UNSTEADY   UNSTEADY  UNSTEADY  UNSTEADY  UNSTEADY  TRIAL
    TRIAL      GOOD      SLOW      SILENT    UNSTEADY  TRIAL

A state further down the table is a graver one and takes over; the hold begins anew whenever a state
is entered, and with each further UNSTEADY.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec
from typing_extensions import override


class State(StrEnum):
    """How a backend stands. All but GOOD and TRIAL mean that it is passed over."""

    GOOD = "good"
    SLOW = "slow"
    SILENT = "silent"
    UNSTEADY = "unsteady"
    TRIAL = "trial"


class Event(StrEnum):
    """What was found, or that time has passed."""

    FINE = "fine"
    SLOW = "slow"
    SILENT = "silent"
    UNSTEADY = "unsteady"
    OVER = "over"


def _row(state: State, *following: State) -> dict[tuple[State, Event], State]:
    return {(state, event): then for event, then in zip(Event, following, strict=True)}


_G, _S, _M, _U, _T = State
NEXT: Mapping[tuple[State, Event], State] = MappingProxyType(
    _row(_G, _G, _S, _M, _U, _G)
    | _row(_S, _S, _S, _M, _U, _T)
    | _row(_M, _M, _M, _M, _U, _T)
    | _row(_U, _U, _U, _U, _U, _T)
    | _row(_T, _G, _S, _M, _U, _T)
)
COMPLAINTS = (Event.SLOW, Event.SILENT, Event.UNSTEADY)
# What is left of its weight. Who is slow still helps when all others are deep in work.
REST: Mapping[State, float] = MappingProxyType(
    {State.SLOW: 0.05, State.SILENT: 1e-9, State.UNSTEADY: 1e-9}
)
PASSED_OVER = frozenset(REST)

_SHORTER = 0.25  # of a hold, for who is unsteady: up and down is mostly a restart, and heals
_MAX_LEVEL = 32  # beyond any longest hold; keeps the power finite


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """When to complain and how long to hold. Times are seconds, 0 switches a complaint off.

    `factor` is how many times slower than the median of its peers is SLOW; `samples` answers are
    needed to say so. `silence` is how long nothing may come from an engine with calls. Who comes
    back from an outage for the second time within `flapping` is UNSTEADY. At most `share` of a
    model's backends are passed over at once. `hold` doubles up to `max_hold`, spread by `jitter`
    to both sides; so much time in good standing as `decay` takes one doubling back.
    """

    factor: float = 3.0
    samples: int = 10
    silence: float = 5.0
    flapping: float = 60.0
    share: float = 0.5
    hold: float = 10.0
    max_hold: float = 300.0
    jitter: float = 0.2
    decay: float = 60.0

    @property
    def fine(self) -> float:
        """How many times slower is well within bounds."""
        return 1.0 + (self.factor - 1.0) / 2.0


class Standing:
    """The standing of one backend. `spread` returns a number in [0, 1); times are monotonic.

    `since` is when the present state began, `until` when a hold ends. `counts` says how often it
    was passed over, by state.
    """

    __slots__ = ("_level", "_returned_at", "_spread", "counts", "since", "state", "until")

    def __init__(self, spread: Callable[[], float]) -> None:
        self._spread = spread
        self.state = State.GOOD
        self.since = 0.0
        self.until = 0.0
        self.counts = dict.fromkeys(PASSED_OVER, 0)
        self._level = 0  # how often the hold has been doubled
        self._returned_at = 0.0  # from an outage; 0 = never

    @property
    def passed_over(self) -> bool:
        """Tell whether others go before it."""
        return self.state in PASSED_OVER

    def take(self, event: Event, now: float, policy: Policy) -> bool:
        """Take in what was found; tell whether the state changed."""
        before = self.state
        then = NEXT[before, event]
        if then in PASSED_OVER and (then is not before or event is Event.UNSTEADY):
            self._hold(then, now, policy)
        if then is before:
            return False
        self.state, self.since = then, now
        return True

    def over(self, now: float) -> bool:
        """Tell whether the hold is over."""
        return self.passed_over and now >= self.until

    def returned(self, now: float, policy: Policy) -> bool:
        """Note that it is back from an outage; tell whether that is too soon after the last time.

        One outage is no habit: only the second return within `policy.flapping` counts.
        """
        last, self._returned_at = self._returned_at, now
        return bool(last) and now - last < policy.flapping

    def _hold(self, state: State, now: float, policy: Policy) -> None:
        if not self.passed_over:
            good = int((now - self.since) / policy.decay)
            self._level = max(0, self._level - good)
        seconds = min(policy.hold * 2.0**self._level, policy.max_hold)
        if state is State.UNSTEADY:
            seconds *= _SHORTER
        self._level = min(self._level + 1, _MAX_LEVEL)
        self.until = now + seconds * (1.0 + policy.jitter * (2.0 * self._spread() - 1.0))
        self.counts[state] += 1

    @override
    def __repr__(self) -> str:
        """Show the state and how long it lasts."""
        return f"<Standing {self.state.value} since={self.since:.1f} until={self.until:.1f}>"
