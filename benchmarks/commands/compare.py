"""`headrace bench compare`: what changed between two saved results, beyond chance."""

from pathlib import Path

import msgspec

from benchmarks.commands.attempting import CANNOT_MEASURE, WRONG_WORDS, tell
from benchmarks.report import console, markdown
from benchmarks.report.budget import INVALID_EXIT, BudgetError
from benchmarks.report.compare import CompareError
from benchmarks.report.compared import comparison, worsened
from benchmarks.report.record import Record
from benchmarks.report.record_file import RecordError, load


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Which files, and how much worse the second may be."""

    before: Path
    after: Path
    budget: str = ""
    """As for a single run, but a limit is on how much worse the second run may be."""
    md: Path | None = None
    quiet: bool = False


def main(options: Options) -> int:
    """Print the comparison; return 0, 2, 3 for a broken budget, 4 if there is nothing to say."""
    try:
        return _compare(load(options.before), load(options.after), options)
    except (RecordError, CompareError) as error:
        return tell("compare", error, CANNOT_MEASURE)
    except BudgetError as error:
        return tell("compare", error, WRONG_WORDS)
    except OSError as error:
        return tell("compare", f"cannot write {error.filename}: {error.strerror}", CANNOT_MEASURE)


def _compare(before: Record, after: Record, options: Options) -> int:
    sheet = comparison(before, after)
    if not options.quiet:
        console.show_sheet(sheet)
    lines, code = worsened(before, after, options.budget) if options.budget else ([], 0)
    for line in lines:
        print(line)
    if options.md is not None:
        options.md.parent.mkdir(parents=True, exist_ok=True)
        options.md.write_text(markdown.sheet_markdown(sheet))
    return INVALID_EXIT if sheet.verdict == "invalid" else code
