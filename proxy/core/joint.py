"""A breaker whose evidence comes from several processes: each has one, and they tell each other.

Theory. Every process has a breaker of its own for a backend and decides by it at once, as one alone
would. What it learns it tells the others, and they take it over:

    news       when                            what the others do: CLOSED   OPEN        HALF_OPEN
    FAILED     a bad result while closed       count it                     -           -
    OPENED     it tripped, or a trial failed   OPEN                         open longer OPEN
    PROBING    it sends a trial request        -                            place taken place taken
    ABANDONED  the trial ended, no verdict     -                            place free  place free
    CLOSED     the trial went well             -                            CLOSED      CLOSED

Only who sees a bad result himself trips: evidence of others is counted, and the trip is told. So
one trip is one trip, not one for each process. Good results are told with the next bad one, in
numbers: nobody pays for them while all is well.

One trial at a time, for all processes together: they take turns by the clock, which they share.
Who has the turn may begin a trial if nobody's is under way, and tells it at once. A turn is a
hundred times longer than news take.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec
from typing_extensions import override

from proxy.core.breaker import UNTRACKED, Breaker, Event, Policy, State

TURN: Final = 0.3  # seconds


class What(StrEnum):
    """What happened to a breaker."""

    FAILED = "failed"
    OPENED = "opened"
    PROBING = "probing"
    ABANDONED = "abandoned"
    CLOSED = "closed"


class News(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One piece of news. `until` ends the open time or the trial's, `good` results came before."""

    what: What
    until: float = 0.0
    level: int = 0
    good: int = 0
    hard: bool = False
    soft: bool = False


class Turns:
    """Whose turn it is: `index` of so many processes."""

    __slots__ = ("count", "index")

    def __init__(self, index: int, count: int) -> None:
        self.index = index
        self.count = count

    def mine(self, now: float) -> bool:
        """Tell whether this process may begin a trial at `now`."""
        return int(now / TURN) % self.count == self.index


def _nobody(_news: News) -> None:
    return None


class JointBreaker(Breaker):
    """A breaker among others for the same backend. `tell` takes what the others must `hear`.

    Without `turns` it begins no trial.
    """

    __slots__ = ("_untold", "tell", "turns")

    def __init__(self, policy: Policy, jitter: Callable[[], float]) -> None:
        super().__init__(policy, jitter)
        self._untold = 0  # good results since the last bad one
        self.tell: Callable[[News], None] = _nobody
        self.turns: Turns | None = None

    @override
    def allows(self, now: float) -> bool:
        """Tell whether a request would be admitted at `now`: while not closed, in turn."""
        if self.closed:
            return True
        return self.turns is not None and self.turns.mine(now) and super().allows(now)

    @override
    def admit(self, now: float) -> int:
        """Admit one request."""
        closed = self.closed
        token = super().admit(now)
        if not closed and token != UNTRACKED:
            self.tell(News(what=What.PROBING, until=self._slot_free_at))
        return token

    @override
    def succeeded(self, token: int, now: float) -> None:
        """Take in a good result."""
        closed = self.closed
        if closed:
            self._untold += 1
        super().succeeded(token, now)
        if not closed and self.closed:
            self.tell(News(what=What.CLOSED))

    @override
    def failed(self, token: int, now: float, *, hard: bool, soft: bool = False) -> None:
        """Take in a bad result."""
        counts = self.closed and token == self._era
        super().failed(token, now, hard=hard, soft=soft)
        if counts and self.closed:
            good, self._untold = self._untold, 0
            self.tell(News(what=What.FAILED, good=good, hard=hard, soft=soft))

    @override
    def abandoned(self, token: int, now: float) -> None:
        """Free the trial's place."""
        mine = token == self._era and not self.closed
        super().abandoned(token, now)
        if mine:
            self.tell(News(what=What.ABANDONED))

    def hear(self, news: News, now: float) -> None:
        """Take over what happened to another process's breaker."""
        match news.what:
            case What.FAILED:
                if self.closed:
                    self._count(news, now)
            case What.OPENED:
                self._open(news, now)
            case What.PROBING:
                if not self.closed:
                    self._slot_free_at = news.until
            case What.ABANDONED:
                if not self.closed:
                    self._slot_free_at = now
            case What.CLOSED:
                if not self.closed:
                    self._close(now)

    def standing(self) -> list[News]:
        """Return the news that bring a breaker of a new process to where this one is."""
        if self.closed:
            return []
        opened = News(what=What.OPENED, until=self._until, level=self._level)
        return [opened, News(what=What.PROBING, until=self._slot_free_at)]

    def _count(self, news: News, now: float) -> None:
        bucket = self._bucket(now)
        if news.good:
            self._good[bucket] += news.good
            self.run = self._consecutive = self._refusals = 0
        self._bad[bucket] += 1
        self.run += 1
        if not news.soft:
            self._consecutive += 1
            self._refusals = self._refusals + 1 if news.hard else 0

    def _open(self, news: News, now: float) -> None:
        self._level = news.level
        if self._state is State.OPEN and now < self._until:  # two tripped at the same time
            self._until = max(self._until, news.until)
            return
        self._opened_at = now
        self._until = news.until
        self._slot_free_at = 0.0
        self.opened_count += 1
        self._untold = 0
        self._begin_era()
        self._move(Event.WAITED)
        self._move(Event.TRIPPED)

    def _close(self, now: float) -> None:
        self.run = 0
        self.recovered_at = now
        self._begin_era()
        self._move(Event.WAITED)
        self._move(Event.PASSED)

    @override
    def _trip(self, now: float) -> None:
        super()._trip(now)
        self._untold = 0
        self.tell(News(what=What.OPENED, until=self._until, level=self._level))
