"""What a run can see: direct measured against itself shows which differences mean nothing."""

from collections.abc import Sequence
from enum import StrEnum

from benchmarks.measure.bootstrap import Interval, interval


class Sight(StrEnum):
    """Whether a difference can be told from nothing."""

    RESOLVED = "resolved"
    BELOW = "below resolution"
    UNKNOWN = "unknown"


def resolution(again: Sequence[float], *, seed: int = 0) -> float | None:
    """Return the smallest difference that means something; None with too few pairs.

    `again` are the paired differences of direct against direct. Their median is zero but for noise
    and drift; the end of its interval that is farther from zero covers both.
    """
    found = interval(again, seed=seed)
    return None if found is None else found.reach


def sight(found: Interval | None, resolved_from: float | None) -> Sight:
    """Tell whether a difference is real: clear of zero, and larger than direct against itself."""
    if found is None:
        return Sight.UNKNOWN
    if found.holds(0.0) or (resolved_from is not None and abs(found.median) < resolved_from):
        return Sight.BELOW
    return Sight.RESOLVED
