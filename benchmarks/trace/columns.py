"""Cells of a trace: tokens, seconds, block ids, and tables whose columns are found by name."""

import csv
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from benchmarks.trace.problems import Ledger, RowError

Line = tuple[int, str]

MOST_TOKENS: Final = 100_000_000
LATEST: Final = 1e11  # seconds; also milliseconds since 1970 fit


def tokens(text: str, name: str) -> int:
    """Read a whole number of at least one."""
    try:
        value = int(text)
    except ValueError:
        # Tables written from data frames have 12.0 for 12.
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not number.is_integer():
            raise RowError(f"{name} is {text[:40]!r}: a whole number, at least 1") from None
        value = int(number)
    return counted(value, name)


def counted(value: int, name: str) -> int:
    """Check a number of tokens."""
    if not 1 <= value <= MOST_TOKENS:
        raise RowError(f"{name} is {value}: a whole number, at least 1")
    return value


def seconds(text: str, name: str) -> float:
    """Read a time that does not lie before the beginning."""
    try:
        value = float(text)
    except ValueError:
        raise RowError(f"{name} is {text[:40]!r}: a number, at least 0") from None
    return elapsed(value, name)


def elapsed(value: float, name: str) -> float:
    """Check a time."""
    if not 0 <= value <= LATEST:
        raise RowError(f"{name} is {value:g}: a number, at least 0")
    return value


def whole(text: str, name: str) -> int:
    """Read a whole number, negative ones included."""
    try:
        return int(text)
    except ValueError:
        raise RowError(f"{name} is {text[:40]!r}: a whole number") from None


def blocks(text: str, name: str) -> tuple[int, ...]:
    """Read block ids with spaces between them."""
    try:
        return tuple(int(word) for word in text.split())
    except ValueError:
        raise RowError(f"{name} is {text[:40]!r}: whole numbers, spaces between them") from None


def header(line: str) -> list[str]:
    """Return the names in a table's first line; none if it is not one."""
    try:
        return _cells(line) if line else []
    except RowError:
        return []


def _cells(line: str) -> list[str]:
    try:
        parted = next(csv.reader([line]), []) if '"' in line else line.split(",")
    except csv.Error as error:  # a line end inside, or a cell over 128 KiB
        raise RowError(f"not a row of a table: {error}") from None
    return [cell.strip() for cell in parted]


def records(
    lines: Iterable[Line], ledger: Ledger, required: Collection[str] = ()
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Return each row of a table as line number and cells by column name.

    Rows with too few or too many cells go into the ledger; so does a header without one of the
    required columns, and then there are no rows. Empty lines are none either.
    """
    names: list[str] | None = None
    for number, line in lines:
        try:
            cells = _cells(line)
        except RowError as error:
            ledger.bad(number, str(error))
            continue
        if not any(cells):
            continue
        if names is None:
            names = cells
            if missing := [name for name in required if name not in names]:
                ledger.bad(number, f"no column {' and no '.join(missing)}")
                return
        elif len(cells) != len(names):
            ledger.bad(number, f"{len(cells)} cells where the header has {len(names)}")
        else:
            yield number, dict(zip(names, cells, strict=True))


def plain(value: float) -> str:
    """Write seconds to 100 ns, without zeros at the end."""
    return f"{value:.7f}".rstrip("0").rstrip(".")
