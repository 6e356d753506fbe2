"""The words of workload flags: numbers, durations, shares and ranges, with messages that help."""

import math
import re
from typing import Final

_SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES: Final = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20}
_QUANTITY: Final = re.compile(r"([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s?([A-Za-z]*)")


class WorkloadError(ValueError):
    """A flag no workload can be drawn from; the message says what was wrong and what is allowed."""


def _quantity(text: str, hint: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise WorkloadError(f"{text!r} is not understood: {hint}")
    return float(match[1]), match[2]


def seconds(text: str) -> float:
    """Read `200ms`, `1.5s`, `2m`, `1h` or a plain number of seconds."""
    hint = "write a duration such as 200ms, 1.5s, 2m or 1h"
    number, unit = _quantity(text, hint)
    if unit not in _SECONDS:
        raise WorkloadError(f"the unit of {text!r} is unknown: {hint}")
    return number * _SECONDS[unit]


def positive(text: str, what: str) -> float:
    """Read a finite number above zero; `what` names it in the message."""
    number, unit = _quantity(text, f"{what} is a number above 0")
    if unit or not 0 < number < math.inf:
        raise WorkloadError(f"{text!r} is not allowed: {what} is a number above 0")
    return number


def count(text: str, what: str) -> int:
    """Read a whole number of at least 1."""
    number = positive(text, what)
    if number != int(number):
        raise WorkloadError(f"{text!r} is not allowed: {what} is a whole number above 0")
    return int(number)


def share(text: str) -> float:
    """Read `5%` or `0.05` as 0.05; at most 1."""
    hint = "write a share such as 5% or 0.05, at most 100%"
    percent = text.strip().endswith("%")
    number, unit = _quantity(text.strip().removesuffix("%"), hint)
    value = number / 100 if percent else number
    if unit or value > 1:
        raise WorkloadError(f"{text!r} is not a share: {hint}")
    return value


def bytes_per_second(text: str) -> float:
    """Read `2KiB/s`, `2000/s` or `2000`."""
    hint = "write bytes a second, such as 2KiB/s or 2000"
    number, unit = _quantity(text.strip().removesuffix("/s"), hint)
    if unit not in _BYTES or number <= 0:
        raise WorkloadError(f"{text!r} is not understood: {hint}")
    return number * _BYTES[unit]


def pair(text: str, mark: str, hint: str) -> tuple[str, str]:
    """Split `text` at its one `mark`."""
    left, found, right = text.partition(mark)
    if not found or not left or not right or mark in right:
        raise WorkloadError(f"{text!r} is not understood: {hint}")
    return left, right


def show_seconds(value: float) -> str:
    """Write a duration for a person."""
    if 0 < value < 1:
        return f"{value * 1000:.4g}ms"
    return f"{value:.4g}s"
