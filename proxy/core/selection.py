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

    __slots__ = ("_by_work", "_choose", "_random", "policy")

    def __init__(self, policy: Policy, random: Callable[[], float]) -> None:
        self.policy = policy
        self._random = random
        self._by_work = policy is Policy.WORK
        self._choose = {
            Policy.WORK: self._least_work,
            Policy.LEAST_CONNECTIONS: self._least_connections,
            Policy.ROUND_ROBIN: self._next_in_turn,
            Policy.RANDOM: self._at_random,
        }[policy]

    def pick(
        self,
        candidates: Sequence[Backend],
        *,
        prompt_work: float,
        output_work: float,
        tried: Sequence[Backend],
        now: float,
    ) -> Backend | None:
        """Return the backend to use, or None if none is eligible now. Changes no load.

        The work figures are estimated tokens of this request. An equal answer is not repeatable:
        ties are broken at random.
        """
        mine = prompt_work + output_work
        if not self._by_work or len(candidates) > FULL_SCAN:
            return self._pick_otherwise(candidates, mine, tried, now)
        # Flat on purpose: one request, one loop, attributes only.
        best = None
        least = inf
        ties = 1
        for backend in candidates:
            if not (backend.settled or backend.available(now)):
                continue
            if backend.in_flight >= backend.room or (tried and backend in tried):
                continue
            if best is not None and backend.priority != best.priority:
                break
            score = (backend.work + backend.penalty + mine) / backend.pull
            if score < least:
                best = backend
                least = score
                ties = 1
            elif score == least:
                ties += 1
                if self._random() * ties < 1.0:
                    best = backend
        return best

    def _pick_otherwise(
        self, candidates: Sequence[Backend], mine: float, tried: Sequence[Backend], now: float
    ) -> Backend | None:
        weighs_load = self._by_work or self.policy is Policy.LEAST_CONNECTIONS
        if weighs_load and len(candidates) > FULL_SCAN:
            drawn = self._draw(candidates, tried, now)
            if len(drawn) > 1:
                return self._choose(drawn, mine)
        eligible = _first_tier(candidates, tried, now)
        return self._choose(eligible, mine) if eligible else None

    def _draw(
        self, candidates: Sequence[Backend], tried: Sequence[Backend], now: float
    ) -> list[Backend]:
        tier = bisect_right(candidates, candidates[0].priority, key=_priority)
        drawn: list[Backend] = []
        for _ in range(_DRAWS):
            backend = candidates[int(self._random() * tier)]
            if backend not in drawn and _eligible(backend, tried, now):
                drawn.append(backend)
                if len(drawn) > 1:
                    break
        return drawn

    def _least_work(self, eligible: Sequence[Backend], mine: float) -> Backend:
        return self._least([(b.work + b.penalty + mine) / b.pull for b in eligible], eligible)

    def _least_connections(self, eligible: Sequence[Backend], mine: float) -> Backend:
        # Each request counts as one like this one, so that penalties keep their proportion.
        unit = mine or 1.0
        return self._least(
            [(b.in_flight + 1 + b.penalty / unit) / b.pull for b in eligible], eligible
        )

    def _least(self, scores: Sequence[float], eligible: Sequence[Backend]) -> Backend:
        least = min(scores)
        equal = [b for b, score in zip(eligible, scores, strict=True) if score == least]
        return equal[int(self._random() * len(equal))]

    def _next_in_turn(self, eligible: Sequence[Backend], mine: float) -> Backend:
        # Stride scheduling: the lowest mark is next and advances by 1/weight. Marks in step differ
        # by one stride at most, so one further behind was away: it joins, and makes up for nothing.
        del mine
        furthest = max(b.turn for b in eligible)
        longest = max(1.0 / b.pull for b in eligible)
        chosen = min(eligible, key=_turn)
        chosen.turn = max(chosen.turn, furthest - longest) + 1.0 / chosen.pull
        return chosen

    def _at_random(self, eligible: Sequence[Backend], mine: float) -> Backend:
        del mine
        mark = self._random() * sum(b.pull for b in eligible)
        for backend in eligible:
            mark -= backend.pull
            if mark < 0.0:
                return backend
        return eligible[-1]  # rounding


def _eligible(backend: Backend, tried: Sequence[Backend], now: float) -> bool:
    return backend.available(now) and backend.in_flight < backend.room and backend not in tried


def _first_tier(
    candidates: Sequence[Backend], tried: Sequence[Backend], now: float
) -> list[Backend]:
    tier: list[Backend] = []
    for backend in candidates:
        if tier and backend.priority != tier[0].priority:
            break
        if _eligible(backend, tried, now):
            tier.append(backend)
    return tier
