"""Silences: spans without a request, which no modulated Poisson process shows as long as real ones.

A trace of 2.6 requests a second had one of 217 s. Time stands still in a silence: bursts and ramps
go on afterwards where they were, and the rate between silences is raised so that the mean stays.
"""

import msgspec
import numpy as np

from benchmarks.load.courses import Times
from benchmarks.load.wording import WorkloadError, pair, seconds


class Silences(msgspec.Struct, frozen=True):
    """Silences of `length` seconds, one about every `every` seconds; both on the same axis."""

    length: float
    every: float

    @property
    def raised(self) -> float:
        """The factor on the rate between silences."""
        return self.every / (self.every - self.length)

    def begins(self, span: float, rng: np.random.Generator) -> list[float]:
        """Return where silences begin, on the axis that leaves them out.

        Exponential distances, so nothing tells when the next one comes; no run begins in one.
        """
        found: list[float] = []
        active = rng.exponential(self.every - self.length)
        while active + self.length * len(found) < span:
            found.append(active)
            active += rng.exponential(self.every - self.length)
        return found

    def insert(self, times: Times, begins: list[float]) -> Times:
        """Move each time behind the silences before it."""
        return times + self.length * np.searchsorted(np.array(begins), times, side="right")

    def sped(self, speed: float) -> "Silences":
        """Return them on an axis `speed` times as short."""
        return Silences(self.length / speed, self.every / speed)


def parse(text: str) -> Silences:
    """Read `20s@300s`: a silence of 20 s about every 300 s."""
    hint = "write LENGTH@EVERY, such as 20s@300s"
    length, every = (seconds(word) for word in pair(text, "@", hint))
    if not 0 < length < every:
        raise WorkloadError(f"{text!r}: a silence is shorter than the time between two; {hint}")
    return Silences(length, every)
