"""Choose the backend that will probably answer soonest.

Theory. The default policy, `work`, gives a request to the backend with the least outstanding work
per unit of weight, counting the request itself: `(work + penalty + mine) / weight`. Ties are broken
at random, so that several proxies in front of the same engines do not move in step.

Only the lowest priority tier with an eligible backend is looked at; eligible means available, with
room, not tried before. Up to 16 candidates are all compared. Beyond that two eligible ones are
drawn at random and the better is taken: the cost stays flat, at some loss of quality.

Candidates must stand in order of priority, as the catalog arranges them.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from enum import StrEnum
from math import inf
from operator import attrgetter

from proxy.core.backend import Backend

FULL_SCAN = 16
_DRAWS = 8  # tries to find two eligible ones before all are compared after all
_priority = attrgetter("priority")
_turn = attrgetter("turn")


class Policy(StrEnum):
    """How the backend for a request is chosen among the eligible ones."""

    WORK = "work"  # least outstanding work per weight, in estimated tokens
    LEAST_CONNECTIONS = "least-connections"  # fewest requests in flight per weight
    ROUND_ROBIN = "round-robin"  # in turn, by weight
    RANDOM = "random"  # at random, by weight


class Selector:
    """Picks backends by one policy. `random` returns a number in [0, 1)."""

    __slots__ = ("_by_work", "_random", "_scores", "policy")

    def __init__(self, policy: Policy, random: Callable[[], float]) -> None:
        self.policy = policy
        self._random = random
        self._by_work = policy is Policy.WORK
        self._scores = self._by_work or policy is Policy.LEAST_CONNECTIONS

    def pick(
        self,
        candidates: Sequence[Backend],
        *,
        prompt_work: float,
        output_work: float,
        tried: Sequence[Backend],
        now: float,
    ) -> Backend | None:
        """Return the backend to use, or None if none is eligible now. Takes no place there.

        The work figures are estimated tokens of this request. The same question may get another
        answer: ties are broken at random.
        """
        if not self._scores:
            return self._pick_by_share(candidates, tried, now)
        if len(candidates) > FULL_SCAN:
            candidates = self._draw(candidates, tried, now) or candidates
        # Flat on purpose: 0.6, 0.9 and 3.8 us for 2, 4 and 16 candidates (CPython 3.11.7, 2026-11).
        # A function call per candidate doubles that.
        by_work = self._by_work
        mine = prompt_work + output_work
        best = None
        least = inf
        tier = ties = 0
        for backend in candidates:
            if (
                not (backend.settled or backend.available(now))
                or backend.in_flight >= backend.room
                or (tried and backend in tried)
            ):
                continue
            if best is not None and backend.priority != tier:
                break
            if by_work:
                score = (backend.work + backend.penalty + mine) / backend.pull
            else:  # a request counts as one, a penalty as so many like this one
                score = (backend.in_flight + 1 + backend.penalty / (mine or 1.0)) / backend.pull
            if score < least:
                best = backend
                tier = backend.priority
                least = score
                ties = 1
            elif score == least:
                ties += 1
                if self._random() * ties < 1.0:
                    best = backend
        return best

    def equal(self, chosen: Backend, other: Backend, work: float, now: float) -> bool:
        """Tell whether `other` could have been picked as well as `chosen`, for so many tokens."""
        if not self._scores or other.priority != chosen.priority or not _eligible(other, (), now):
            return False
        return self._score(chosen, work) == self._score(other, work)

    def _score(self, backend: Backend, work: float) -> float:
        if self._by_work:
            return (backend.work + backend.penalty + work) / backend.pull
        return (backend.in_flight + 1 + backend.penalty / (work or 1.0)) / backend.pull

    def _draw(
        self, candidates: Sequence[Backend], tried: Sequence[Backend], now: float
    ) -> Sequence[Backend]:
        """Return two eligible ones of the first tier, or nothing if that takes too many tries."""
        tier = bisect_right(candidates, candidates[0].priority, key=_priority)
        first = None
        for _ in range(_DRAWS):
            backend = candidates[int(self._random() * tier)]
            if backend is first or backend.aside or not _eligible(backend, tried, now):
                continue
            if first is not None:
                return (first, backend)
            first = backend
        return ()

    def _pick_by_share(
        self, candidates: Sequence[Backend], tried: Sequence[Backend], now: float
    ) -> Backend | None:
        able = eligible(candidates, tried, now)
        if not able:
            return None
        if self.policy is Policy.ROUND_ROBIN:
            return _next_in_turn(able)
        mark = self._random() * sum([backend.pull for backend in able])
        for backend in able:
            mark -= backend.pull
            if mark < 0.0:
                return backend
        return able[-1]  # rounding


def eligible(candidates: Sequence[Backend], tried: Sequence[Backend], now: float) -> list[Backend]:
    """Return who may be picked: the eligible ones of the lowest tier that has any.

    Those that are to be passed over are left out, unless nobody else is there.
    """
    able: list[Backend] = []
    for backend in candidates:
        if able and backend.priority != able[0].priority:
            break
        if _eligible(backend, tried, now):
            able.append(backend)
    return [backend for backend in able if not backend.aside] or able


def _eligible(backend: Backend, tried: Sequence[Backend], now: float) -> bool:
    return (
        (backend.settled or backend.available(now))
        and backend.in_flight < backend.room
        and backend not in tried
    )


def _next_in_turn(able: Sequence[Backend]) -> Backend:
    # Stride scheduling: the lowest mark is next and advances by 1/weight. Marks in step differ by
    # one stride at most, so one further behind was away: it joins, and makes up for nothing.
    furthest = max([backend.turn for backend in able])
    longest = 1.0 / min([backend.pull for backend in able])
    chosen = min(able, key=_turn)
    chosen.turn = max(chosen.turn, furthest - longest) + 1.0 / chosen.pull
    return chosen
