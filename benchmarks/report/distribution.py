"""Distributions of a record: HDR blobs decoded, asked for percentiles and for shares.

Values are microseconds, precise to three digits.
"""

from collections.abc import Sequence
from typing import Final

from benchmarks.measure import hdr
from benchmarks.report.record import Record

# What `histograms` may hold, in the order reports show it.
ORDER: Final = ("first_token", "token", "ttft", "itl", "tpot", "e2e", "request_path", "send_lag")


class Distribution:
    """One decoded histogram. Raises ValueError if the blob is not an HDR V2 histogram."""

    __slots__ = ("_counts", "_total", "_values")

    def __init__(self, blob: str) -> None:
        try:
            decoded = hdr.decode(blob)
        except Exception as error:  # its codec lets zlib, struct and index errors through
            raise ValueError(f"not an HDR histogram: {error}") from error
        self._values: list[float] = []
        self._counts: list[int] = []
        self._total = 0
        for item in decoded.get_recorded_iterator():
            self._total += item.count_added_in_this_iter_step
            self._values.append(float(item.value_iterated_to))
            self._counts.append(self._total)

    @property
    def count(self) -> int:
        """How many values were recorded."""
        return self._total

    @property
    def top(self) -> float:
        """The largest value; 0 without values."""
        return self._values[-1] if self._values else 0.0

    def at(self, share: float) -> float:
        """Return the value that this share (0..1) of all values does not exceed."""
        wanted = share * self._total
        for value, reached in zip(self._values, self._counts, strict=True):
            if reached >= wanted:
                return value
        return self.top

    def curve(self, points: int = 160) -> list[tuple[float, float]]:
        """Return value and share of values up to it, at most `points` and evenly thinned."""
        step = max(1, -(-len(self._values) // points))
        places = list(range(0, len(self._values), step))
        if places and places[-1] != len(self._values) - 1:
            places.append(len(self._values) - 1)
        return [(self._values[i], self._counts[i] / self._total) for i in places]


def distributions(record: Record, arm: str) -> dict[str, Distribution]:
    """Return an arm's distributions by name without the unit, in report order; empty ones left out.

    Raises ValueError for a damaged blob.
    """
    blobs = {
        name.removesuffix("_us"): blob for name, blob in record.histograms.get(arm, {}).items()
    }
    names = [name for name in ORDER if name in blobs] + sorted(set(blobs) - set(ORDER))
    decoded = {name: Distribution(blobs[name]) for name in names}
    return {name: one for name, one in decoded.items() if one.count}


def arms_with(record: Record, name: str) -> Sequence[str]:
    """Return the arms that recorded a distribution, in the record's order."""
    known = [arm.name for arm in record.arms]
    order = known + [arm for arm in record.histograms if arm not in known]
    return [arm for arm in order if {name, f"{name}_us"} & set(record.histograms.get(arm, {}))]
