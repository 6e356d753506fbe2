"""Figures as text: every number with how often it was measured and how far it spreads."""

from collections.abc import Iterable, Sequence

from benchmarks.measure.paired import Spread, spread
from benchmarks.report.price import DIRECT, ROWS, Row, Show, against, figures, verdicts
from benchmarks.report.result import Result

RULE = "-" * 100


def number(value: float, digits: int) -> str:
    """Return a figure with thousands separated."""
    return f"{value:,.{digits}f}"


def interval(found: Spread, digits: int) -> str:
    """Return the quartiles in brackets."""
    return f"[{number(found.low, digits)} .. {number(found.high, digits)}]"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return columns as wide as their widest cell, the first to the left, the rest to the right."""
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    out = []
    for line in lines:
        first = line[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        out.append("  ".join([first, *rest]).rstrip())
    return "\n".join(out)


def _ratio(found: Spread | None) -> str:
    return "" if found is None else f"{found.median:.2f} {interval(found, 2)}"


def price_row(result: Result, row: Row, subject: str) -> str:
    """Return one group of the price report: a line for each arm, then the bars for `subject`."""
    others = [bar.against for bar in row.bars if bar.against and bar.against in result.arms]
    lines: list[list[str]] = []
    for arm in result.arms:
        found = spread(figures(result, row, arm))
        if found is None or (row.show is Show.ADDED and arm == DIRECT):
            continue
        cells = [
            f"  {arm}",
            number(found.median, row.digits),
            interval(found, row.digits),
            str(found.n),
        ]
        cells += [
            _ratio(against(result, row, arm, other)) if arm != other else "" for other in others
        ]
        lines.append(cells)
    if not lines:
        return ""
    heads = [
        f"{row.title}, {row.unit}",
        "median",
        "quartiles",
        "n",
        *(f"/ {other}" for other in others),
    ]
    text = [table(heads, lines)]
    for verdict in verdicts(result, row, subject):
        word = "met" if verdict.met else "MISSED"
        text.append(f"  bar for {subject}: {verdict.bar.text(row.unit)}: {word}")
    return "\n".join(text)


def closing(result: Result, subject: str) -> str:
    """Return the run in one sentence; empty if `subject` was not measured."""
    by_metric = {row.metric: row for row in ROWS}

    def median(metric: str) -> float | None:
        found = spread(figures(result, by_metric[metric], subject))
        return None if found is None else found.median

    def compared(metric: str) -> str:
        parts = [
            f"{found.median:.2f} x {other}"
            for other in ("nginx", "envoy")
            if other != subject
            and (found := against(result, by_metric[metric], subject, other)) is not None
        ]
        return f" ({', '.join(parts)})" if parts else ""

    chunk, request, added = median("chunk.cpu"), median("small.cpu"), median("solo.p50")
    if chunk is None or request is None or chunk <= 0:
        return ""
    wait = "" if added is None else f" and a user waits {max(added, 0):.2f} ms longer for each"
    return (
        f"Through {subject} a streamed chunk costs {chunk:.1f} us of CPU{compared('chunk.cpu')}, "
        f"a small request {request:.1f} us{compared('small.cpu')}: one core carries about "
        f"{1e6 / chunk:,.0f} chunks a second{wait}."
    )


def price_report(result: Result, subject: str) -> str:
    """Return the whole price report."""
    facts = ", ".join(f"{name} {value}" for name, value in result.facts.items())
    groups = [group for row in ROWS if (group := price_row(result, row, subject))]
    parts = ["What the proxy costs", facts, RULE, "\n\n".join(groups), RULE]
    parts += [f"note: {note}" for note in result.notes]
    sentence = closing(result, subject)
    return "\n".join([*parts, *([sentence] if sentence else [])])
