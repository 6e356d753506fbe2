"""Numbers with units, as people read them: one unit and one number of digits for what is compared.

A time is shown in the unit its row's largest value asks for. A sentence or a cell that mixes
microseconds with milliseconds is read wrongly sooner or later.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from benchmarks.report.figures import Figure, Quantity

MISSING: Final = "-"
# Up to which size, in base units, a unit is used; its symbol; how many of it make a base unit.
STEPS: Final = {
    Quantity.TIME: ((1e-3, "us", 1e6), (10.0, "ms", 1e3), (math.inf, "s", 1.0)),
    Quantity.MEMORY: ((1.0, "KiB", 1024.0), (10240.0, "MiB", 1.0), (math.inf, "GiB", 1 / 1024)),
    Quantity.SHARE: ((math.inf, "%", 100.0),),
    Quantity.RATE: ((math.inf, "/s", 1.0),),
    Quantity.COUNT: ((math.inf, "", 1.0),),
    Quantity.RATIO: ((math.inf, "", 1.0),),
}
LONG: Final = ((1.0, "ms", 1e3), (math.inf, "s", 1.0))


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit to print in: one of the record's units is `factor` of these."""

    symbol: str
    factor: float
    digits: int = 2

    def number(self, value: float | None, *, signed: bool = False) -> str:
        """Return a value of the record without its symbol; a dash if there is none."""
        if value is None or not math.isfinite(value):
            return MISSING
        shown = value * self.factor
        if round(shown, self.digits) == 0:
            shown = 0.0  # never "-0.00"
        text = f"{shown:,.{self.digits}f}"
        return f"+{text}" if signed and shown > 0 else text

    def text(self, value: float | None, *, signed: bool = False) -> str:
        """Return a value of the record with its symbol."""
        number = self.number(value, signed=signed)
        return number if number == MISSING or not self.symbol else f"{number} {self.symbol}"

    def interval(self, low: float | None, high: float | None) -> str:
        """Return both ends in brackets; empty if either is missing."""
        if low is None or high is None:
            return ""
        return f"[{self.number(low)}, {self.number(high)}]"


def present(values: Iterable[float | None]) -> list[float]:
    """Return the values that are there and finite."""
    return [value for value in values if value is not None and math.isfinite(value)]


def _scale(figure: Figure, largest: float) -> tuple[str, float]:
    """Return symbol and factor from the base unit, for a row whose largest base value is this."""
    steps = STEPS[figure.quantity]
    if figure.quantity is Quantity.TIME and figure.base == 1.0:
        steps = LONG  # what is kept in seconds is read in seconds
    return next((symbol, factor) for limit, symbol, factor in steps if largest < limit)


def _digits(figure: Figure, shown: Sequence[float]) -> int:
    """Return how many decimals tell the smallest of these values with two digits, three at most."""
    if figure.quantity is Quantity.COUNT and all(value == int(value) for value in shown):
        return 0
    sizes = [abs(value) for value in shown if value]
    if not sizes:
        return 0
    largest, smallest = max(sizes), min(sizes)
    enough = 2 - math.floor(math.log10(largest))
    wanted = 1 - math.floor(math.log10(smallest))
    return max(0, min(3, max(min(enough, 2), min(wanted, enough + 1))))


def unit(figure: Figure, values: Iterable[float | None]) -> Unit:
    """Return the unit that shows all `values` of a figure side by side."""
    known = present(values)
    largest = max((abs(value) * figure.base for value in known), default=0.0)
    symbol, factor = _scale(figure, largest)
    total = figure.base * factor
    digits = _digits(figure, [value * total for value in known])
    return Unit(symbol=symbol, factor=total, digits=digits)


def amount(figure: Figure, value: float | None, *, signed: bool = False) -> str:
    """Return one value by itself, in the unit that suits it."""
    return unit(figure, [value]).text(value, signed=signed)


def duration(seconds: float) -> str:
    """Return a length of time to the second: `41 s`, `3 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def plural(count: int, word: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
