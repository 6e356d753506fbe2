"""Commands about saved results: compare, report."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli import flags
from benchmarks.cli.gathering import add

app = typer.Typer()
Before = Annotated[Path, typer.Argument(metavar="BEFORE", help="Written by --json.")]
After = Annotated[Path, typer.Argument(metavar="AFTER", help="The same command, run later.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="Written by --json.")]


@add(app, "compare", "Two results of one command, with intervals of the differences.")
def _compare(before: Before, after: After, judged: flags.Judged) -> int:
    from benchmarks.cli import intents
    from benchmarks.commands import compare

    if judged.md is not None:
        intents.writable(judged.md, "--md")
    return compare.main(
        compare.Options(
            before=before, after=after, budget=judged.budget, md=judged.md, quiet=judged.quiet
        )
    )


@add(app, "report", "Print a saved result again, or make a page, Markdown or CSV of it.")
def _report(path: File, out: flags.Output) -> int:
    from benchmarks.cli import intents
    from benchmarks.commands import report

    return report.main(report.Options(path=path, output=intents.output(out)))
