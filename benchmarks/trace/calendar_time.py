"""Dates and times of day as whole ticks of 100 ns: a float of seconds since 1970 loses them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.trace.problems import RowError
from benchmarks.trace.rows import TICKS

_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FORM: Final = "a date and time such as 2023-11-16 18:15:46.6805900"


def ticks(text: str, name: str) -> int:
    """Return the ticks since 1970 of `2023-11-16 18:15:46.6805900`; without a zone it is UTC."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise RowError(f"{name} is {text[:40]!r}: {FORM}")
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{(zone or '+00:00').replace('Z', '+00:00')}")
    except ValueError as error:
        raise RowError(f"{name} is {text[:40]!r}: {error}") from None
    past = moment - _EPOCH
    whole = past.days * 86_400 + past.seconds
    return whole * TICKS + int((fraction or "0").ljust(7, "0")[:7])


def show(count: int) -> str:
    """Write ticks since 1970 as `2023-11-16 18:15:46.6805900`."""
    whole, rest = divmod(count, TICKS)
    return f"{_EPOCH + timedelta(seconds=whole):%Y-%m-%d %H:%M:%S}.{rest:07d}"
