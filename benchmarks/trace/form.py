"""What a trace format is: how it is recognised, read and written."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from benchmarks.trace.columns import Line
from benchmarks.trace.problems import Ledger
from benchmarks.trace.rows import BLOCK, Row, Trace


class Found(msgspec.Struct, kw_only=True):
    """What a reader made of the lines. Rows need not be in order yet."""

    rows: list[Row]
    block_tokens: int = BLOCK
    notes: list[str] = msgspec.field(default_factory=list)


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """One format.

    `recognises` is given the first line that is not empty, `read` all lines with their numbers and
    a ledger for the bad ones. `write` gives lines without line ends; None: it is only read.
    """

    name: str
    allowed: str
    """What a row holds, in words."""
    recognises: Callable[[str], bool]
    read: Callable[[Iterable[Line], Ledger], Found]
    write: Callable[[Trace], Iterator[str]] | None = None
