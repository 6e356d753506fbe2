"""Courses: the planned request rate as a function of time, before chance comes in.

A course turns time into *operational time*: the number of requests expected until then. A process
of rate one on the operational axis, carried back, is the same process at the course's rate.
"""

from enum import StrEnum
from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.load.wording import WorkloadError, pair, positive, seconds

Times = NDArray[np.float64]

GRID: Final = 4096  # points a course is integrated on; a ramp's error is below 1e-6 of its total


class Course(Protocol):
    """A rate over time."""

    def rates(self, times: Times, span: float) -> Times:
        """Return requests a second at each time, for a run that lasts `span` seconds."""
        ...

    def mean(self, span: float) -> float:
        """Return the mean rate over the first `span` seconds."""
        ...

    def scaled(self, factor: float) -> "Course":
        """Return the course with all rates multiplied."""
        ...

    def sped(self, speed: float) -> "Course":
        """Return the course with its time axis divided and its rates multiplied by `speed`."""
        ...


class Steady(msgspec.Struct, frozen=True):
    """The same rate all the time."""

    rate: float

    def rates(self, times: Times, span: float) -> Times:
        """Return the rate, once per time."""
        return np.full(times.shape, self.rate)

    def mean(self, span: float) -> float:
        """Return the rate."""
        return self.rate

    def scaled(self, factor: float) -> "Steady":
        """Return a multiple of it."""
        return Steady(self.rate * factor)

    def sped(self, speed: float) -> "Steady":
        """Return a multiple of it: it has no time axis."""
        return self.scaled(speed)


class Growth(StrEnum):
    """How a ramp climbs: by equal steps or by equal factors."""

    LINEAR = "linear"
    EXPONENTIAL = "exponential"


class Ramp(msgspec.Struct, frozen=True, kw_only=True):
    """From one rate to another within `over` seconds, then on at the last."""

    first: float
    last: float
    over: float
    growth: Growth = Growth.LINEAR

    def rates(self, times: Times, span: float) -> Times:
        """Return the rate at each time."""
        done = np.minimum(times / self.over, 1.0)
        if self.growth is Growth.LINEAR:
            return self.first + (self.last - self.first) * done
        return np.asarray(self.first * (self.last / self.first) ** done, dtype=np.float64)

    def mean(self, span: float) -> float:
        """Return the mean rate over `span` seconds."""
        return float(cumulative(self, span)[1][-1]) / span

    def scaled(self, factor: float) -> "Ramp":
        """Return it between multiples of its rates."""
        return Ramp(
            first=self.first * factor, last=self.last * factor, over=self.over, growth=self.growth
        )

    def sped(self, speed: float) -> "Ramp":
        """Return it steeper on both axes."""
        return msgspec.structs.replace(self.scaled(speed), over=self.over / speed)


class Flash(msgspec.Struct, frozen=True, kw_only=True):
    """A calm rate, a sudden crowd `height` times as large, and its slow going away.

    The crowd comes after a quarter of the run, within a fiftieth of it, and decays exponentially
    by a factor e every tenth of it: told in shares of the run, so that a short run sees it too.
    `rate` is the mean of the whole run.
    """

    rate: float
    height: float = 12.0

    def rates(self, times: Times, span: float) -> Times:
        """Return the rate at each time."""
        calm = self.rate / float(self._shape(np.linspace(0.0, 1.0, GRID)).mean())
        return calm * self._shape(times / span)

    def _shape(self, part: Times) -> Times:
        climb = np.clip((part - 0.25) / 0.02, 0.0, 1.0)
        decay = np.exp(-np.maximum(part - 0.27, 0.0) / 0.1)
        return 1.0 + (self.height - 1.0) * climb * decay

    def mean(self, span: float) -> float:
        """Return the mean rate."""
        return self.rate

    def scaled(self, factor: float) -> "Flash":
        """Return it with a multiple of its mean."""
        return Flash(rate=self.rate * factor, height=self.height)

    def sped(self, speed: float) -> "Flash":
        """Return it with a multiple of its mean: its time axis is the run's."""
        return self.scaled(speed)


def cumulative(course: Course, span: float) -> tuple[Times, Times]:
    """Return times from 0 to `span` and the requests expected until each."""
    times = np.linspace(0.0, span, GRID)
    rates = course.rates(times, span)
    steps = (rates[1:] + rates[:-1]) / 2 * np.diff(times)
    return times, np.concatenate(([0.0], np.cumsum(steps)))


def expected(course: Course, span: float) -> float:
    """Return how many requests a run of `span` seconds is expected to have."""
    return course.mean(span) * span


def warp(course: Course, operational: Times, span: float) -> Times:
    """Carry operational times back to seconds; those behind `span` are left out."""
    times, total = cumulative(course, span)
    inside = operational[operational < total[-1]]
    found: Times = np.interp(inside, total, times)
    return found


def parse_ramp(text: str) -> Ramp:
    """Read `10..200@60s` (linear) or `10..200@60s:exponential`."""
    hint = "write START..END@DURATION, such as 10..200@60s or 10..200@60s:exponential"
    body, _, growth = text.partition(":")
    rates, over = pair(body, "@", hint)
    first, last = pair(rates, "..", hint)
    try:
        kind = Growth(growth or Growth.LINEAR)
    except ValueError:
        raise WorkloadError(f"{growth!r} is no way to ramp: linear or exponential") from None
    length = seconds(over)
    if length <= 0:
        raise WorkloadError(f"a ramp takes time: {hint}")
    return Ramp(
        first=positive(first, "a ramp's rate"),
        last=positive(last, "a ramp's rate"),
        over=length,
        growth=kind,
    )
