"""A report before it has a medium: tables, notes and one sentence, all words already chosen.

Console, Markdown and HTML print the same sheet, so they cannot disagree.
"""

from enum import StrEnum

import msgspec


class Tone(StrEnum):
    """How a cell stands out, where the medium can show it. The words never depend on it."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    GOOD = "good"
    BAD = "bad"


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: its text and, below it, a smaller second line."""

    text: str
    under: str = ""
    tone: Tone = Tone.PLAIN


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """One table. The first column is a label and stands to the left, the rest to the right."""

    title: str = ""
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A whole report."""

    title: str
    workload: str = ""
    scope: str = ""
    """How much was measured: rounds, arms, requests."""
    verdict: str
    grids: tuple[Grid, ...] = ()
    notes: tuple[str, ...] = ()
    sentence: str = ""


def cell(text: str, under: str = "", tone: Tone = Tone.PLAIN) -> Cell:
    """Return a cell."""
    return Cell(text=text, under=under, tone=tone)
