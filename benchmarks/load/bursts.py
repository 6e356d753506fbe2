"""Bursts as real traffic has them: a rate that wanders on two time scales, requests drawn from it.

The rate is mean x exp(x1(t) + x2(t) - (s1^2 + s2^2)/2) with x_i independent Ornstein-Uhlenbeck
processes of standard deviation s_i and time constant tau_i; given the rate, arrivals are Poisson
(a log-Gaussian Cox process). Gamma gaps, the usual "burstiness", reach the same variance of counts
at one window size only; two modulators follow a measured trace from 0.1 s to 120 s.
"""

import math
from typing import Final

import msgspec
import numpy as np

from benchmarks.load.courses import Course, Steady, Times
from benchmarks.load.wording import WorkloadError, pair, positive, seconds

FINE: Final = 32  # grid points in the shortest time constant: a value stands for 1/32 of it, whose
# own average has a variance about one in a hundred smaller
LONGEST: Final = 2_000_000  # grid points in a run


class Pair(msgspec.Struct, frozen=True):
    """One modulator: standard deviation of the log rate, and its time constant in seconds."""

    sigma: float
    tau: float


class LogOu(msgspec.Struct, frozen=True, kw_only=True):
    """Poisson arrivals under a rate modulated by log-OU processes.

    The mean over many seeds is the rate asked for. A run that is not many times as long as the
    largest time constant has a rate of its own, as an hour of real traffic has.
    """

    pairs: tuple[Pair, ...]

    def times(self, rate: float | Course, span: float, rng: np.random.Generator) -> Times:
        """Draw the modulated rate on a grid, counts per cell, and places within the cells."""
        course = Steady(float(rate)) if isinstance(rate, int | float) else rate
        cells = self.cells(span)
        width = span / cells
        middles = np.linspace(width / 2, span - width / 2, cells)
        rates = course.rates(middles, span) * self.modulation(cells, width, rng)
        counts = rng.poisson(rates * width)
        starts = np.repeat(np.arange(cells) * width, counts)
        times = np.sort(starts + rng.random(starts.size) * width)
        return times[times < span]

    def cells(self, span: float) -> int:
        """Return how many grid points a run of `span` seconds needs."""
        fine = span * FINE / min(pair.tau for pair in self.pairs)
        return int(min(max(fine, 256.0), LONGEST)) + 1

    def modulation(self, cells: int, width: float, rng: np.random.Generator) -> Times:
        """Return the factor on the rate at each grid point; its mean is 1."""
        total = np.zeros(cells)
        for one in self.pairs:
            total += ornstein_uhlenbeck(one, cells, width, rng) - one.sigma**2 / 2
        return np.exp(total)

    def sped(self, speed: float) -> "LogOu":
        """Return it with time constants divided: the same dispersion on a shorter axis."""
        return LogOu(pairs=tuple(Pair(one.sigma, one.tau / speed) for one in self.pairs))


def ornstein_uhlenbeck(one: Pair, cells: int, width: float, rng: np.random.Generator) -> Times:
    """Return a stationary OU process at `cells` points `width` seconds apart.

    x' = x a + sigma sqrt(1 - a^2) z with a = exp(-width/tau) is its exact transition (Gillespie,
    Physical Review E 54, 1996), so the width changes what is seen of it and not what it is.
    """
    decay = math.exp(-width / one.tau)
    kicks = rng.standard_normal(cells) * one.sigma
    kicks[1:] *= math.sqrt(1 - decay * decay)
    path = []
    value = 0.0
    for kick in kicks.tolist():
        value = value * decay + kick
        path.append(value)
    return np.array(path)


def parse_pairs(text: str) -> tuple[Pair, ...]:
    """Read `0.99@3.2,0.95@34.9`: one to four modulators, each sigma@time constant."""
    hint = "write SIGMA@SECONDS, up to four times, such as 0.99@3.2,0.95@34.9"
    pairs = []
    for word in text.split(","):
        sigma, tau = pair(word, "@", hint)
        pairs.append(Pair(positive(sigma, "sigma"), seconds(tau)))
    if len(pairs) > 4 or any(one.sigma > 3 or one.tau < 1e-3 for one in pairs):
        raise WorkloadError(
            f"{text!r} is out of range: {hint}; sigma at most 3, time constants at least 1ms"
        )
    return tuple(pairs)


def show_pairs(pairs: tuple[Pair, ...]) -> str:
    """Write what `parse_pairs` reads."""
    return ",".join(f"{one.sigma:.4g}@{one.tau:.4g}" for one in pairs)
