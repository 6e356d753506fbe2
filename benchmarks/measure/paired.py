"""Comparing arms round by round: what disturbs the machine disturbs both sides of a ratio.

Each round measures every arm within seconds. A ratio or difference is taken inside a round; only
then the rounds are put together, by the median and the middle half. A round in which either side is
missing is left out of the pair.
"""

from collections.abc import Sequence

import msgspec

from benchmarks.measure.histogram import quantile

Series = Sequence[float | None]


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """The median over `n` rounds and the quartiles around it."""

    n: int
    median: float
    low: float
    high: float


def spread(values: Series) -> Spread | None:
    """Return median and quartiles of the rounds that have a value; None if none has."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None
    return Spread(
        n=len(ordered),
        median=quantile(ordered, 0.5),
        low=quantile(ordered, 0.25),
        high=quantile(ordered, 0.75),
    )


def ratios(mine: Series, other: Series) -> list[float]:
    """Return mine / other of every round that has both; a zero on the other side is left out."""
    return [
        a / b for a, b in zip(mine, other, strict=True) if a is not None and b is not None and b > 0
    ]


def differences(mine: Series, other: Series) -> list[float | None]:
    """Return mine - other for every round, None where either is missing."""
    return [None if a is None or b is None else a - b for a, b in zip(mine, other, strict=True)]


def without_requests(
    *, stream_us: float, requests: int, chunks: int, request_us: float | None
) -> float | None:
    """Return what a chunk costs once the requests that carried the chunks are paid for.

    `stream_us` is the CPU of a streaming block, `request_us` a plain request's cost in the same
    round. None if that is unknown: a chunk must not be charged for requests in one round and not in
    the next.
    """
    if request_us is None or chunks == 0:
        return None
    return (stream_us - request_us * requests) / chunks
