"""Arrival processes: when requests come, given how many are meant to come.

Each process is stationary from its first second on: a renewal process does not begin with an
arrival but with the rest of a gap that was already running. Without that a process of gap CV 13
would begin every block with a burst, 84 requests too many.
"""

import math
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
import numpy as np

from benchmarks.load.bursts import LogOu, parse_pairs
from benchmarks.load.courses import Course, Steady, Times, expected, warp
from benchmarks.load.wording import WorkloadError, positive

FORMS: Final = (
    "constant, poisson, gamma:SHAPE (1 is poisson, below 1 burstier, inf constant), "
    "weibull:SHAPE or logou:SIGMA@SECONDS,SIGMA@SECONDS"
)


class Arrivals(Protocol):
    """A process that can be drawn."""

    def times(self, rate: float | Course, span: float, rng: np.random.Generator) -> Times:
        """Return arrival times in [0, span), ascending, in seconds.

        The number of them is itself a matter of chance, with mean rate x span, except for a
        constant process.
        """
        ...

    def sped(self, speed: float) -> "Arrivals":
        """Return the process whose own time constants pass `speed` times as fast."""
        ...


def course_of(rate: float | Course) -> Course:
    """Return a steady course for a plain rate."""
    return Steady(float(rate)) if isinstance(rate, int | float) else rate


class Constant(msgspec.Struct, frozen=True):
    """Equal gaps, the first request at once."""

    def times(self, rate: float | Course, span: float, rng: np.random.Generator) -> Times:
        """Return one time for each whole request expected so far."""
        course = course_of(rate)
        if isinstance(course, Steady):  # exact: 0.1, 0.2, 0.3 and not what a grid makes of them
            number = math.ceil(span * course.rate - 1e-9)
            return np.arange(number) / course.rate
        return warp(course, np.arange(math.ceil(expected(course, span)) + 1.0), span)

    def sped(self, speed: float) -> "Constant":
        """Return itself: it has no time constant beside the rate."""
        return self


class Renewal(msgspec.Struct, frozen=True):
    """Independent gaps of one distribution, gamma or Weibull, with mean 1 on the operational axis.

    `gamma` with shape k is what vLLM calls burstiness k: gap CV = 1/sqrt(k), k = 1 is Poisson.
    """

    family: str
    shape: float

    def times(self, rate: float | Course, span: float, rng: np.random.Generator) -> Times:
        """Draw the rest of a running gap, then gaps until the span is full."""
        course = course_of(rate)
        total = expected(course, span)
        size = int(total + 4 * math.sqrt(total) + 16)
        pieces = [np.array([self._rest(rng)])]
        reached = float(pieces[0][0])
        while reached < total:
            gaps = self._gaps(size, rng)
            pieces.append(gaps)
            reached += float(gaps.sum())
        return warp(course, np.cumsum(np.concatenate(pieces)), span)

    def _gaps(self, size: int, rng: np.random.Generator) -> Times:
        if self.family == "gamma":
            return rng.gamma(self.shape, 1 / self.shape, size)
        return rng.weibull(self.shape, size) / math.gamma(1 + 1 / self.shape)

    def _rest(self, rng: np.random.Generator) -> float:
        """Draw what is left of the gap that an observer finds running.

        Long gaps are found more often: density proportional to length, of which a uniform part is
        left. For gamma that is shape k + 1; for Weibull x^k has gamma shape 1 + 1/k.
        """
        if self.family == "gamma":
            found = rng.gamma(self.shape + 1, 1 / self.shape)
        else:
            found = rng.gamma(1 + 1 / self.shape) ** (1 / self.shape)
            found /= math.gamma(1 + 1 / self.shape)
        return found * rng.random()

    def sped(self, speed: float) -> "Renewal":
        """Return itself: its gaps follow the rate."""
        return self


POISSON: Final = Renewal("gamma", 1.0)


def _gamma(text: str) -> Arrivals:
    return Constant() if text == "inf" else Renewal("gamma", _shape(text))


def _weibull(text: str) -> Arrivals:
    return Renewal("weibull", _shape(text))


def _shape(text: str) -> float:
    shape = positive(text, "the shape")
    if not 0.001 <= shape <= 10_000:
        raise WorkloadError(f"the shape {text} is out of range: 0.001 to 10000")
    return shape


def _logou(text: str) -> Arrivals:
    return LogOu(pairs=parse_pairs(text))


_PARAMETRIC: Final[dict[str, Callable[[str], Arrivals]]] = {
    "gamma": _gamma,
    "weibull": _weibull,
    "logou": _logou,
}


def parse(text: str) -> Arrivals:
    """Read an arrival process in the words of `--arrivals`."""
    name, _, parameters = text.strip().partition(":")
    if not parameters and name == "constant":
        return Constant()
    if not parameters and name == "poisson":
        return POISSON
    if name not in _PARAMETRIC or not parameters:
        raise WorkloadError(f"{text!r} is no arrival process: {FORMS}")
    return _PARAMETRIC[name](parameters)
