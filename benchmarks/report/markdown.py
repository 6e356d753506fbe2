"""The report as Markdown, for an issue or a pull request."""

from benchmarks.report.compose import compose
from benchmarks.report.record import Record
from benchmarks.report.sheet import Cell, Grid, Sheet, Tone


def _safe(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _cell(one: Cell) -> str:
    text = _safe(one.text)
    if text and one.tone in {Tone.STRONG, Tone.BAD}:
        text = f"**{text}**"
    return f"{text}<br>{_safe(one.under)}" if one.under else text


def _table(grid: Grid) -> list[str]:
    lines = [f"### {grid.title}", ""] if grid.title else []
    lines.append("| " + " | ".join(_safe(head) for head in grid.heads) + " |")
    lines.append("|" + "|".join(["---", *["---:"] * (len(grid.heads) - 1)]) + "|")
    lines += ["| " + " | ".join(_cell(one) for one in row) + " |" for row in grid.rows]
    for note in grid.notes:
        lines += ["", _safe(note)]
    return [*lines, ""]


def sheet_markdown(sheet: Sheet) -> str:
    """Return a sheet."""
    lines = [f"## {sheet.title}", ""]
    if sheet.sentence:
        lines += [f"**{_safe(sheet.sentence)}**", ""]
    facts = [part for part in (sheet.workload, sheet.scope, sheet.verdict) if part]
    lines += [_safe("; ".join(facts)), ""]
    for grid in sheet.grids:
        lines += _table(grid)
    lines += [f"- {_safe(note)}" for note in sheet.notes]
    return "\n".join(lines).rstrip() + "\n"


def as_markdown(record: Record) -> str:
    """Return the report with machine and command. Raises ValueError for a damaged histogram."""
    lines = [sheet_markdown(compose(record))]
    machine = ", ".join(f"{name} {value}" for name, value in record.facts.items())
    command = " ".join(record.words)
    lines += [f"{_safe(machine)}; seed {record.seed}; {record.started}", ""] if machine else []
    lines += ["```sh", command, "```"] if command else []
    return "\n".join(lines).rstrip() + "\n"
