"""What a run can see: direct measured against itself shows which differences mean nothing."""

from collections.abc import Sequence

from benchmarks.measure.bootstrap import interval


def resolution(again: Sequence[float], *, seed: int = 0) -> float | None:
    """Return the smallest difference that means something; None with too few pairs.

    `again` are the paired differences of direct against direct. Their median is zero but for noise
    and drift; the end of its interval that is farther from zero covers both.
    """
    found = interval(again, seed=seed)
    return None if found is None else found.reach
