"""A plot with its words: what it shows, how to read it, and the same figures as a table."""

from collections.abc import Sequence
from typing import Final

import msgspec

ROWS: Final = 24
"""A table beside a picture; who wants every value takes the JSON."""


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """One picture. `svg` is empty where the record has no data for it; `why` then says so."""

    key: str
    title: str
    caption: str = ""
    svg: str = ""
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    why: str = ""


def missing(key: str, title: str, why: str) -> Plot:
    """Return the place of a plot this record has no data for."""
    return Plot(key=key, title=title, why=why)


def thinned(rows: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return at most `ROWS` rows, evenly taken."""
    step = max(1, -(-len(rows) // ROWS))
    return tuple(rows[::step])
