"""A histogram as cheap as counting gets: one bisect, two additions."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

_INFINITY = "+Inf"


class Histogram:
    """Counts observations by upper bound. One a label set: whoever owns it knows the labels.

    `bounds` ascend; an observation belongs to the first bound not below it, or to none of them.
    `counts` has one entry more than `bounds`.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """The number of observations."""
        return sum(self.counts)

    def cumulative(self) -> list[tuple[str, float]]:
        """Return (upper bound, observations up to it), as the exposition format wants them."""
        names = [*(f"{bound:g}" for bound in self.bounds), _INFINITY]
        return list(zip(names, map(float, accumulate(self.counts)), strict=True))
