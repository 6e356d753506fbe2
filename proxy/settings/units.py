"""Durations and sizes as people write them, to and from seconds and bytes."""

import re
from typing import Final

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_QUANTITY: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s?([A-Za-z]*)")


def duration(text: str) -> float:
    """Read `250ms`, `30s`, `5m`, `1.5h` or `0` as seconds; ValueError carries the hint."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError("write a number and a unit, such as 250ms, 30s, 5m or 1h")
    number, unit = match.groups()
    if unit in _SECONDS:
        # Milliseconds are divided: 3 * 0.001 would not be 0.003.
        return float(number) / 1000 if unit == "ms" else float(number) * _SECONDS[unit]
    if not unit and float(number) == 0:
        return 0.0
    hint = "write 250ms, 30s, 5m or 1h"
    raise ValueError(
        f"the unit {unit!r} is unknown: {hint}" if unit else f"the unit is missing: {number}s?"
    )


def size(text: str) -> int:
    """Read `16KiB`, `64MiB`, `1GiB` or a plain number of bytes; ValueError carries the hint."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError("write a number and a unit, such as 16KiB or 64MiB")
    number, unit = match.groups()
    if (unit or "B") not in _BYTES:
        near = next((known for known in _BYTES if known[0] == unit[0].upper()), "MiB")
        raise ValueError(f"the unit {unit!r} is unknown: {number}{near}?")
    count = float(number) * _BYTES[unit or "B"]
    if count != int(count):
        raise ValueError("that is not a whole number of bytes")
    return int(count)


def show_duration(seconds: float) -> str:
    """Write seconds in the largest unit that `duration` reads back to the same value."""
    for unit, worth in reversed(_SECONDS.items()):
        if unit != "ms" and seconds >= worth and seconds % worth == 0:
            return f"{seconds / worth:.0f}{unit}"
    if seconds == 0:
        return "0s"
    if seconds < 1 and duration(text := f"{seconds * 1000:.6g}ms") == seconds:
        return text
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def show_size(count: int) -> str:
    """Write bytes in the largest unit that divides them."""
    for unit, worth in reversed(_BYTES.items()):
        if count >= worth and count % worth == 0:
            return f"{count // worth}{unit}"
    return f"{count}B"
