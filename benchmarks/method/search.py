"""Looking for the largest load that keeps its limits: doubling, then halving the ratio.

Theory. A probe at a load says kept, missed or cannot tell. As long as all are kept the load
doubles; then it is the geometric mean of the largest that was kept and the smallest that was not,
until those are within `WIDTH`. "Cannot tell" bounds the search like a miss, because nobody may rely
on it, but it is no miss: if no load was missed for sure, the search goes on upwards from there
until one is. The answer is a bracket: kept below, missed above, nothing claimed in between.
"""

import math
from enum import IntEnum

import msgspec

WIDTH = 1.05
ONWARD = 1.25


class Outcome(IntEnum):
    """What a probe says of its load."""

    MISSED = -1
    UNDECIDED = 0
    KEPT = 1


class Bracket(msgspec.Struct, frozen=True, kw_only=True):
    """Kept at `low` (None: nowhere), missed at `high` (None: nowhere tried)."""

    low: float | None
    high: float | None


class Search:
    """One search between `least` and `most`, beginning at `first`; `whole`: for whole numbers."""

    __slots__ = ("_first", "_least", "_most", "_seen", "_whole")

    def __init__(self, *, first: float, least: float, most: float, whole: bool = False) -> None:
        self._first = first
        self._least = least
        self._most = most
        self._whole = whole
        self._seen: dict[float, Outcome] = {}

    def tell(self, load: float, outcome: Outcome) -> None:
        """Note what a probe said."""
        self._seen[load] = outcome

    def bracket(self) -> Bracket:
        """Return what is known.

        A load that was missed below one that was kept counts: what is kept must be kept from there
        downwards.
        """
        missed = [load for load, outcome in self._seen.items() if outcome is Outcome.MISSED]
        high = min(missed, default=None)
        kept = [
            load
            for load, outcome in self._seen.items()
            if outcome is Outcome.KEPT and (high is None or load < high)
        ]
        return Bracket(low=max(kept, default=None), high=high)

    def following(self) -> float | None:
        """Return the next load to try; None when nothing more can be learned."""
        if not self._seen:
            return self._fitting(self._first)
        found = self.bracket()
        doubtful = min(
            (
                load
                for load, outcome in self._seen.items()
                if outcome is Outcome.UNDECIDED and (found.low is None or load > found.low)
            ),
            default=None,
        )
        ends = [end for end in (found.high, doubtful) if end is not None]
        load = self._between(found.low, min(ends)) if ends else self._doubled(found.low)
        if load is None and found.high is None and doubtful is not None:
            load = self._fitting(max(self._seen) * ONWARD)
        return load if load is not None and load not in self._seen else None

    def _fitting(self, load: float) -> float:
        load = min(self._most, max(self._least, load))
        return float(round(load)) if self._whole else load

    def _doubled(self, low: float | None) -> float:
        return self._fitting((low or self._first) * 2)

    def _between(self, low: float | None, end: float) -> float | None:
        if low is None:
            return self._fitting(end / 2)
        return self._fitting(math.sqrt(low * end)) if end / low > WIDTH else None
