"""The median of a few values with its 95 % interval, by resampling them.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993): the percentile interval of chapter
13, and from `CORRECTED_FROM` values on the bias-corrected and accelerated one (BCa) of chapter 14.
With fewer values the correction is itself mostly noise.
"""

from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES = 10_000
LEVEL = 0.95
FEWEST = 6
"""With five values even their whole range holds the median only 15 times of 16."""
CORRECTED_FROM = 20


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """The median of `n` values, and between which bounds it lies."""

    n: int
    median: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half its width."""
        return (self.high - self.low) / 2

    @property
    def reach(self) -> float:
        """How far its farther end is from zero."""
        return max(abs(self.low), abs(self.high))

    def holds(self, value: float) -> bool:
        """Tell whether `value` lies inside."""
        return self.low <= value <= self.high


def _corrected(
    values: "NDArray[np.float64]", medians: "NDArray[np.float64]", tails: tuple[float, float]
) -> tuple[float, float]:
    """Shift the two tail probabilities by bias and acceleration (BCa)."""
    normal = NormalDist()
    median = np.median(values)
    # Medians of resamples tie with the median itself; half of the ties count as below.
    below = float(np.mean(medians < median) + np.mean(medians == median) / 2)
    if not 0 < below < 1:
        return tails
    bias = normal.inv_cdf(below)
    without = np.array([np.median(np.delete(values, i)) for i in range(len(values))])
    apart = without.mean() - without
    spread = float((apart**2).sum() ** 1.5)
    acceleration = float((apart**3).sum()) / (6 * spread) if spread else 0.0

    def shifted(tail: float) -> float:
        z = bias + normal.inv_cdf(tail)
        return normal.cdf(bias + z / (1 - acceleration * z))

    return shifted(tails[0]), shifted(tails[1])


def interval(values: Sequence[float], *, seed: int = 0, level: float = LEVEL) -> Interval | None:
    """Return the median of `values` with its interval; None for fewer than `FEWEST`.

    The same values and seed give the same interval.
    """
    return _interval(tuple(values), seed, level) if len(values) >= FEWEST else None


@lru_cache(maxsize=512)  # 5 ms each, and a table asks for that of floor and resolution in each row
def _interval(values: tuple[float, ...], seed: int, level: float) -> Interval:
    known = np.asarray(values, dtype=np.float64)
    dice = np.random.default_rng(seed)
    drawn = known[dice.integers(0, len(known), size=(RESAMPLES, len(known)))]
    medians = np.median(drawn, axis=1)
    tails = ((1 - level) / 2, (1 + level) / 2)
    if len(known) >= CORRECTED_FROM:
        tails = _corrected(known, medians, tails)
    low, high = (float(np.quantile(medians, tail)) for tail in tails)
    return Interval(n=len(known), median=float(np.median(known)), low=low, high=high)
