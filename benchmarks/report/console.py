"""The report on a terminal; into a pipe the same words without colour, never cut to a width."""

import sys
from typing import IO, Final

from rich.box import Box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from benchmarks.report.compose import compose
from benchmarks.report.record import Record
from benchmarks.report.sheet import Cell, Grid, Sheet, Tone

STYLES: Final = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.DIM: "dim",
    Tone.GOOD: "green",
    Tone.BAD: "bold red",
}
VERDICTS: Final = {"valid": "bold green", "unresolved": "bold yellow", "invalid": "bold red"}
# One thin rule below the heads; ASCII, so that a pipe into any tool keeps it.
RULED: Final = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
PIPE_WIDTH: Final = 2000
GAP: Final = 3


def _cell(one: Cell) -> Text:
    text = Text(one.text, style=STYLES[one.tone])
    if one.under:
        text.append(f"\n{one.under}", style="dim")
    return text


def _width(grid: Grid, column: int) -> int:
    lines = [grid.heads[column]]
    for row in grid.rows:
        lines += [row[column].text, row[column].under]
    return max(len(line) for line in lines)


def fitted(grid: Grid, width: int) -> list[Grid]:
    """Return a table as several below each other, each with the labels, none wider than `width`.

    A column wider than that by itself stays whole: a number cut in half is worse than a long line.
    """
    label, groups, used = _width(grid, 0), [[0]], _width(grid, 0)
    for column in range(1, len(grid.heads)):
        wide = GAP + _width(grid, column)
        if used + wide > width and len(groups[-1]) > 1:
            groups.append([0])
            used = label
        groups[-1].append(column)
        used += wide
    last = len(groups) - 1
    return [
        Grid(
            title=grid.title if place == 0 else "",
            heads=tuple(grid.heads[column] for column in group),
            rows=tuple(
                tuple(row[column] for column in group)
                for row in grid.rows
                if place == 0 or any(row[column].text for column in group[1:])
            ),
            notes=grid.notes if place == last else (),
        )
        for place, group in enumerate(groups)
    ]


def _table(grid: Grid) -> RenderableType:
    table = Table(
        box=RULED,
        pad_edge=False,
        show_edge=False,
        title=Text(grid.title, style="bold") if grid.title else None,
        title_justify="left",
    )
    for place, head in enumerate(grid.heads):
        table.add_column(
            Text(head),
            justify="left" if place == 0 else "right",
            no_wrap=place > 0,
            overflow="fold",
        )
    for row in grid.rows:
        table.add_row(*(_cell(one) for one in row))
    return Group(table, *(Text(note, style="dim") for note in grid.notes))


def _head(sheet: Sheet) -> Text:
    text = Text(sheet.title, style="bold")
    for part in (sheet.workload, sheet.scope):
        if part:
            text.append(f"   {part}", style="not bold")
    word = sheet.verdict.split(" ")[0]
    text.append("   ")
    text.append(sheet.verdict, style=VERDICTS.get(word, ""))
    return text


def rendered(sheet: Sheet, width: int = PIPE_WIDTH) -> RenderableType:
    """Return a sheet as something rich can print, its tables no wider than `width`."""
    parts: list[RenderableType] = [_head(sheet)]
    for grid in sheet.grids:
        parts += [Padding(_table(part), (1, 0, 0, 0)) for part in fitted(grid, width)]
    if sheet.notes:
        parts.append(Padding(Group(*(Text(note) for note in sheet.notes)), (1, 0, 0, 0)))
    if sheet.sentence:
        parts.append(Padding(Text(sheet.sentence, style="bold"), (1, 0, 0, 0)))
    return Group(*parts)


def console(file: IO[str] | None = None) -> Console:
    """Return a console on `file` (standard output), wide enough not to cut anything in a pipe."""
    out = file if file is not None else sys.stdout
    return Console(file=out, width=None if out.isatty() else PIPE_WIDTH, highlight=False)


def show(record: Record, file: IO[str] | None = None) -> None:
    """Print a record's report. Raises ValueError for a damaged histogram."""
    show_sheet(compose(record), file)


def show_sheet(sheet: Sheet, file: IO[str] | None = None) -> None:
    """Print a sheet: on a terminal within its width, else without the blanks at line ends."""
    target = console(file)
    if target.is_terminal:
        target.print(rendered(sheet, target.width))
    else:
        target.file.write(sheet_text(sheet))


def as_text(record: Record) -> str:
    """Return what a pipe would get."""
    return sheet_text(compose(record))


def sheet_text(sheet: Sheet) -> str:
    """Return a sheet as plain text of whatever width it needs."""
    target = Console(width=PIPE_WIDTH, highlight=False, no_color=True, force_terminal=False)
    with target.capture() as captured:
        target.print(rendered(sheet))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"
