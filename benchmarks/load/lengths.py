"""Lengths of prompts and answers: distributions told as their quantile function.

One uniform number per request becomes a length. So the same request has a long prompt under every
distribution or under none, and a table of eleven quantiles is a distribution like any other.
"""

import math
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist
from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.load.courses import Times
from benchmarks.load.wording import WorkloadError, count, pair

Tokens = NDArray[np.int64]

FORMS: Final = (
    "a number, uniform:A..B, lognormal:MEDIAN,P99, quantiles:FILE or preset:NAME "
    "(code-like, conv-like, flash-crowd, multi-tenant)"
)
Table = tuple[tuple[float, float], ...]
"""Pairs of percentile and tokens, from percentile 0 to 100, neither ever falling."""


class Lengths(Protocol):
    """A distribution of token counts."""

    def at(self, uniform: Times) -> Tokens:
        """Return the length at each place in [0, 1) of the distribution, at least 1."""
        ...


def whole(sizes: Times) -> Tokens:
    """Round to whole tokens, at least one."""
    rounded: Tokens = np.maximum(np.rint(sizes), 1).astype(np.int64)
    return rounded


class Fixed(msgspec.Struct, frozen=True):
    """Always the same."""

    tokens: int

    def at(self, uniform: Times) -> Tokens:
        """Return the length once per place."""
        return np.full(uniform.shape, self.tokens, dtype=np.int64)


class Uniform(msgspec.Struct, frozen=True):
    """Every whole number from one to another alike, both ends included."""

    low: int
    high: int

    def at(self, uniform: Times) -> Tokens:
        """Return a length per place."""
        return (self.low + np.floor(uniform * (self.high - self.low + 1))).astype(np.int64)


class LogNormal(msgspec.Struct, frozen=True):
    """Skewed, as measured lengths are: told by its median and its 99th percentile."""

    median: int
    p99: int

    def at(self, uniform: Times) -> Tokens:
        """Return a length per place; places are kept 1e-9 away from both ends."""
        normal = NormalDist()
        sigma = math.log(self.p99 / self.median) / normal.inv_cdf(0.99)
        scores = np.array([normal.inv_cdf(u) for u in np.clip(uniform, 1e-9, 1 - 1e-9).tolist()])
        return whole(self.median * np.exp(sigma * scores))


class Quantiles(msgspec.Struct, frozen=True):
    """A table of percentiles, straight lines between them."""

    table: Table

    def at(self, uniform: Times) -> Tokens:
        """Return a length per place."""
        percentiles, tokens = zip(*self.table, strict=True)
        return whole(np.interp(uniform * 100, percentiles, tokens))


def checked(table: Table, source: str) -> Quantiles:
    """Return the table as a distribution; WorkloadError if it is none."""
    percentiles = [percentile for percentile, _ in table]
    tokens = [size for _, size in table]
    if len(table) < 2 or percentiles[0] != 0 or percentiles[-1] != 100:
        raise WorkloadError(f"{source}: a table of quantiles goes from percentile 0 to 100")
    if any(b <= a for a, b in pairwise(percentiles)):
        raise WorkloadError(f"{source}: percentiles have to climb from row to row")
    if tokens[0] < 0 or any(b < a for a, b in pairwise(tokens)):
        raise WorkloadError(f"{source}: tokens must not fall from row to row, nor be negative")
    return Quantiles(table=table)


def read_table(path: Path) -> Quantiles:
    """Read rows `percentile,tokens`, with or without a line of names above them."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WorkloadError(f"quantiles:{path} cannot be read: {error}") from error
    table = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or (number == 1 and line.strip()[0].isalpha()):
            continue
        try:
            percentile, tokens = line.split(",")
            table.append((float(percentile), float(tokens)))
        except ValueError:
            raise WorkloadError(
                f"{path} line {number}: {line[:60]!r} is not `percentile,tokens`"
            ) from None
    return checked(tuple(table), str(path))


def parse(text: str) -> Lengths:
    """Read lengths in the words of `--input` and `--output`, presets aside."""
    text = text.strip()
    name, found, rest = text.partition(":")
    if not found:
        return Fixed(count(text, "a length in tokens"))
    if name == "uniform":
        low, high = pair(rest, "..", "write uniform:A..B, such as uniform:100..900")
        ends = count(low, "a length"), count(high, "a length")
        if ends[0] > ends[1]:
            raise WorkloadError(f"{text!r} runs backwards: write uniform:{high}..{low}")
        return Uniform(*ends)
    if name == "lognormal":
        median, p99 = pair(rest, ",", "write lognormal:MEDIAN,P99, such as lognormal:500,6000")
        middle, far = count(median, "the median"), count(p99, "the 99th percentile")
        if far < middle:
            raise WorkloadError(f"{text!r}: the 99th percentile is below the median")
        return LogNormal(middle, far)
    if name == "quantiles" and rest:
        return read_table(Path(rest))
    raise WorkloadError(f"{text!r} is no distribution of lengths: {FORMS}")
