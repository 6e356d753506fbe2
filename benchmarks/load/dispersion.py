"""Dispersion of counts: how bursty a series of arrivals is at each time scale.

Variance over mean of the number of arrivals in windows of one size: 1 for Poisson at every size;
growing with the size where bursts are long.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks.load.courses import Times

WINDOWS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0)
FEWEST: Final = 8  # windows a variance is taken of; fewer say nothing


def counts(times: Times, window: float, span: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return arrivals in each whole window of [0, span)."""
    number = int(span / window + 1e-9)
    places = (times / window).astype(np.int64)
    return np.bincount(places[(places >= 0) & (places < number)], minlength=number)[:number]


def dispersion(times: Times, span: float, windows: Sequence[float] = WINDOWS) -> list[float | None]:
    """Return variance/mean of counts per window size; None with fewer than eight windows."""
    found: list[float | None] = []
    for window in windows:
        if span / window < FEWEST:
            found.append(None)
            continue
        seen = counts(times, window, span)
        mean = float(seen.mean())
        found.append(float(seen.var()) / mean if mean > 0 else None)
    return found


def gap_cv(times: Times) -> float:
    """Return the coefficient of variation of the gaps; NaN with fewer than three arrivals."""
    gaps = np.diff(times)
    if gaps.size < 2 or gaps.mean() == 0:
        return math.nan
    return float(gaps.std() / gaps.mean())


def peak(times: Times, window: float) -> int:
    """Return the most arrivals in one of the windows that follow each other from 0 on."""
    if times.size == 0:
        return 0
    return int(np.max(np.bincount((times / window).astype(np.int64))))
