"""Scales: from a value to a place on the page, and the round values worth a tick."""

import math
from collections.abc import Iterable, Sequence

import msgspec

WIDE = 20.0
"""From this ratio of largest to smallest value on, a logarithmic scale shows both."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """Values from `low` to `high` on pixels from `start` to `end`; logarithmic if `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value, clipped to the ends."""
        if self.log:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Return round values between the ends, roughly so many."""
        return _decades(self.low, self.high) if self.log else _steps(self.low, self.high, about)


def _steps(low: float, high: float, about: int) -> list[float]:
    rough = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(place * step, 10) for place in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    within = (1, 2, 5) if last - first <= 3 else (1,)
    found = [one * 10.0**power for power in range(first, last + 1) for one in within]
    return [value for value in found if low * 0.999 <= value <= high * 1.001]


def linear(
    values: Iterable[float], start: float, end: float, *, zero: bool = True, about: int = 5
) -> Scale:
    """Return a linear scale that ends on round values and holds zero if asked to."""
    known = [*values, *([0.0] if zero else [])]
    low, high = min(known, default=0.0), max(known, default=1.0)
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = (low - 1, high + 1) if not zero else (min(low, 0.0), max(high, 1.0))
    ticks = _steps(low, high, about)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
    return Scale(
        low=math.floor(low / step + 1e-9) * step,
        high=math.ceil(high / step - 1e-9) * step,
        start=start,
        end=end,
    )


def logarithmic(values: Iterable[float], start: float, end: float) -> Scale:
    """Return a logarithmic scale around positive values, ending on 1, 2 or 5 of a decade."""
    known = [value for value in values if value > 0]
    low, high = min(known, default=1.0), max(known, default=10.0)
    return Scale(
        low=_round_down(low), high=max(_round_up(high), low * 2), start=start, end=end, log=True
    )


def suited(values: Sequence[float], start: float, end: float) -> Scale:
    """Return a scale that shows every value: logarithmic where they lie decades apart."""
    known = [value for value in values if value > 0]
    if known and len(known) == len(values) and max(known) / min(known) > WIDE:
        return logarithmic(values, start, end)
    return linear(values, start, end)


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(one for one in (power, 2 * power, 5 * power) if one <= value * 1.0001)


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return min(one for one in (power, 2 * power, 5 * power, 10 * power) if one >= value * 0.9999)


def label(value: float) -> str:
    """Return a tick's text: no zeros that say nothing, thousands apart."""
    if value == 0:
        return "0"
    if abs(value) >= 10_000:
        return f"{value / 1000:,.4g}k"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
