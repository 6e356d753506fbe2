"""Latency samples: append while measuring, sort and look up afterwards.

Recording is a plain append (tens of nanoseconds); a histogram that buckets at once costs ten times
that in the very loop whose delays it should measure.
"""

from collections.abc import Sequence

import msgspec


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """The distribution of one block's samples, in the unit they were recorded in."""

    n: int
    p50: float
    p99: float
    top: float


def quantile(ordered: Sequence[float], q: float) -> float:
    """Return the `q` quantile (0..1) of ascending samples, interpolated between neighbours.

    Raises ValueError without samples.
    """
    if not ordered:
        message = "no samples"
        raise ValueError(message)
    place = q * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def summarize(samples: Sequence[float], *, scale: float = 1.0) -> Latency | None:
    """Return the distribution of `samples`, each divided by `scale`; None without samples."""
    if not samples:
        return None
    ordered = sorted(samples)
    return Latency(
        n=len(ordered),
        p50=quantile(ordered, 0.5) / scale,
        p99=quantile(ordered, 0.99) / scale,
        top=ordered[-1] / scale,
    )
