"""Sessions: how many turns a conversation has, and how long a person thinks between them."""

from typing import Final

import msgspec
import numpy as np

from benchmarks.load.courses import Times
from benchmarks.load.lengths import Tokens
from benchmarks.load.wording import WorkloadError, count, pair, seconds

_THINK: Final = "write a duration, exp:MEAN or uniform:A..B, such as 2s, exp:5s or uniform:1s..8s"


class Turns(msgspec.Struct, frozen=True):
    """From `low` to `high` turns a session, each number alike."""

    low: int
    high: int

    @property
    def mean(self) -> float:
        """Turns a session has on average."""
        return (self.low + self.high) / 2

    def at(self, uniform: Times) -> Tokens:
        """Return a number of turns for each place in [0, 1)."""
        return (self.low + np.floor(uniform * (self.high - self.low + 1))).astype(np.int64)


class Think(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the end of an answer to the next turn: uniform, or exponential with a mean."""

    low: float = 0.0
    high: float = 0.0
    mean: float | None = None

    def at(self, uniform: Times) -> Times:
        """Return seconds for each place in [0, 1)."""
        if self.mean is not None:
            return -self.mean * np.log1p(-uniform)
        return self.low + uniform * (self.high - self.low)


def parse_turns(text: str) -> Turns:
    """Read `4` or `2..6`."""
    low, high = text, text
    if ".." in text:
        low, high = pair(text, "..", "write a number or A..B, such as 2..6")
    ends = count(low, "the number of turns"), count(high, "the number of turns")
    if ends[0] > ends[1]:
        raise WorkloadError(f"{text!r} runs backwards: write {high}..{low}")
    return Turns(*ends)


def parse_think(text: str) -> Think:
    """Read `2s`, `exp:5s` or `uniform:1s..8s`."""
    name, found, rest = text.strip().partition(":")
    if not found:
        value = seconds(name)
        return Think(low=value, high=value)
    if name == "exp":
        return Think(mean=seconds(rest))
    if name == "uniform":
        low, high = (seconds(word) for word in pair(rest, "..", _THINK))
        if low > high:
            raise WorkloadError(f"{text!r} runs backwards: {_THINK}")
        return Think(low=low, high=high)
    raise WorkloadError(f"{text!r} is not understood: {_THINK}")
