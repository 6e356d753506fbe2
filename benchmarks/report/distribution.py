"""Distributions of a record: HDR blobs decoded, asked for percentiles and for shares.

Values are microseconds, precise to three digits.
"""

import bisect
from collections.abc import Sequence
from typing import Final

import numpy as np

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
        # Its own iterator visits all 23,000 places, a microsecond each; few hold anything.
        counts = np.asarray(decoded.counts, dtype=np.int64)
        for place in np.flatnonzero(counts):
            value = decoded.get_value_from_index(int(place))
            self._total += int(counts[place])
            self._values.append(float(decoded.get_highest_equivalent_value(value)))
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
        if not self._values:
            return 0.0
        place = bisect.bisect_left(self._counts, share * self._total)
        return self._values[min(place, len(self._values) - 1)]

    def curve(self, points: int = 160) -> list[tuple[float, float]]:
        """Return value and share of values up to it, at most `points` and evenly thinned."""
        step = max(1, -(-len(self._values) // points))
        places = list(range(0, len(self._values), step))
        if places and places[-1] != len(self._values) - 1:
            places.append(len(self._values) - 1)
        return [(self._values[i], self._counts[i] / self._total) for i in places]


def distribution(record: Record, arm: str, name: str) -> Distribution | None:
    """Return one distribution of an arm; None if it was not recorded or is empty.

    Raises ValueError for a damaged blob.
    """
    blobs = record.histograms.get(arm, {})
    blob = blobs.get(name, blobs.get(f"{name}_us"))
    found = Distribution(blob) if blob is not None else None
    return found if found is not None and found.count else None


def distributions(record: Record, arm: str) -> dict[str, Distribution]:
    """Return an arm's distributions by name without the unit, in report order; empty ones left out.

    Raises ValueError for a damaged blob.
    """
    blobs = {
        name.removesuffix("_us"): blob for name, blob in record.histograms.get(arm, {}).items()
    }
    names = [name for name in ORDER if name in blobs] + sorted(set(blobs) - set(ORDER))
    decoded = ((name, distribution(record, arm, name)) for name in names)
    return {name: one for name, one in decoded if one is not None}


def arms_with(record: Record, name: str) -> Sequence[str]:
    """Return the arms that recorded a distribution, in the record's order."""
    known = [arm.name for arm in record.arms]
    order = known + [arm for arm in record.histograms if arm not in known]
    return [arm for arm in order if {name, f"{name}_us"} & set(record.histograms.get(arm, {}))]
