"""`headrace bench report`: print a saved result again, or write it as a page or a table."""

from pathlib import Path

import msgspec

from benchmarks.commands.attempting import CANNOT_MEASURE, WRONG_WORDS, tell
from benchmarks.commands.outputs import Output, deliver
from benchmarks.report.budget import BudgetError
from benchmarks.report.record_file import RecordError, load


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Which file, and what to make of it."""

    path: Path
    """Written by `--json`, or taken out of a page; `.gz` is read too."""
    output: Output = Output()


def main(options: Options) -> int:
    """Deliver a saved record; return 0, 3 for a broken budget, 4 for an invalid or unread one."""
    try:
        return deliver(load(options.path), options.output)
    except RecordError as error:
        return tell("report", error, CANNOT_MEASURE)
    except BudgetError as error:
        return tell("report", error, WRONG_WORDS)
    except ValueError as error:
        return tell("report", f"{options.path} is damaged: {error}.", CANNOT_MEASURE)
