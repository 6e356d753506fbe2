"""A line of the scorecard: what is measured, what was wanted, what came."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. `met` is None where there is no bar, or where it could not be measured."""

    figure: str
    target: str
    measured: str
    met: bool | None = None


Measure = Callable[[], Coroutine[Any, Any, list[Row]]]
VERDICTS = {True: "met", False: "**missed**", None: "-"}


def line(row: Row, how: str) -> str:
    """Return the row as Markdown; `how` is the command that made it."""
    return f"| {row.figure} | {row.target} | {row.measured} | {VERDICTS[row.met]} | `{how}` |"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
