"""Every figure of every block as CSV, one value a line: what a spreadsheet or a notebook wants.

The rows of the whole run have an empty round. Units stand in the names of the figures.
"""

import csv
import io
from typing import Final

from benchmarks.report.record import Record

HEADS: Final = (
    "command",
    "started",
    "seed",
    "scope",
    "round",
    "arm",
    "role",
    "rejected",
    "figure",
    "value",
    "low",
    "high",
)


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def as_csv(record: Record) -> str:
    """Return the table. `scope` is block, run or effect; an effect's value is what was added."""
    roles = {arm.name: arm.role for arm in record.arms}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADS)
    head = (record.command, record.started, record.seed)
    for block in record.blocks:
        where = ("block", block.round, block.arm, roles.get(block.arm, ""), block.rejected)
        for name, value in block.figures.items():
            writer.writerow((*head, *where, name, _number(value), "", ""))
    for arm, figures in record.figures.items():
        for name, value in figures.items():
            row = ("run", "", arm, roles.get(arm, ""), "")
            writer.writerow((*head, *row, name, _number(value), "", ""))
    for effect in record.effects:
        row = ("effect", "", effect.arm, roles.get(effect.arm, ""), "")
        ends = (_number(effect.low), _number(effect.high))
        writer.writerow((*head, *row, effect.figure, _number(effect.added), *ends))
    return out.getvalue()
