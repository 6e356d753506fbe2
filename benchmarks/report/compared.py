"""A comparison of two runs as a sheet, and held against a budget for how much worse it may be."""

from collections.abc import Sequence
from typing import Final

from benchmarks.report.amounts import Unit, unit
from benchmarks.report.budget import ADDED, ALONE, BROKEN_EXIT, INVALID_EXIT, USED, parse
from benchmarks.report.compare import Change, Verdict, changes, remarks
from benchmarks.report.figures import Figure, Quantity, figure
from benchmarks.report.record import Record
from benchmarks.report.sentence import listed
from benchmarks.report.sheet import Grid, Sheet, Tone, cell

TONES: Final = {Verdict.IMPROVED: Tone.GOOD, Verdict.WORSE: Tone.BAD, Verdict.UNCLEAR: Tone.DIM}
WITHIN: Final = (
    "The intervals know the spread inside each run, not what differs from one start of a process "
    "to the next."
)
RATIO: Final = Figure(name="to_floor", title="", quantity=Quantity.RATIO)


def _shown(change: Change) -> Unit:
    meant = RATIO if change.to_floor else figure(change.figure)
    return unit(meant, [change.before, change.after, change.low, change.high])


def _label(change: Change) -> str:
    name = figure(change.figure).label
    if change.to_floor:
        return f"{name}, times the floor's"
    return f"{name}, added" if change.added else name


def _row(change: Change, *, armed: bool) -> tuple[str, ...]:
    shown = _shown(change)
    share = f"{change.change / abs(change.before) * 100:+.1f} %" if change.before else ""
    label = f"{change.arm}: {_label(change)}" if armed else _label(change)
    return (
        label,
        shown.text(change.before),
        shown.text(change.after),
        shown.text(change.change, signed=True),
        shown.interval(change.low, change.high) or "too few rounds",
        share,
        change.verdict.value,
    )


def _said(found: Sequence[Change], verdict: Verdict) -> str:
    named = [f"{_label(one)} ({one.arm})" for one in found if one.verdict is verdict]
    if len(named) > 3:
        return f"{len(named)} figures"
    return listed(named)


def sentence(found: Sequence[Change]) -> str:
    """Return the comparison in words."""
    worse, better = _said(found, Verdict.WORSE), _said(found, Verdict.IMPROVED)
    parts = [f"worse in {worse}"] if worse else []
    parts += [f"better in {better}"] if better else []
    if not parts:
        return "The second run cannot be told from the first in any figure."
    rest = sum(one.verdict is Verdict.UNCLEAR for one in found)
    unclear = f"; in {rest} of {len(found)} figures they cannot be told apart" if rest else ""
    return f"The second run is {', and '.join(parts)}{unclear}."


def comparison(before: Record, after: Record) -> Sheet:
    """Return the sheet. Raises CompareError if there is nothing to compare."""
    found = changes(before, after)
    armed = len({one.arm for one in found}) > 1
    rows = []
    for one in found:
        texts = _row(one, armed=armed)
        tones = [Tone.PLAIN] * (len(texts) - 1) + [TONES[one.verdict]]
        rows.append(tuple(cell(text, tone=tone) for text, tone in zip(texts, tones, strict=True)))
    valid = "invalid" not in {before.verdict, after.verdict}
    heads = ("", "before", "after", "change", "95 % interval", "", "")
    return Sheet(
        title="What changed",
        workload=after.workload,
        scope=f"{before.started or 'first'} and {after.started or 'second'}",
        verdict="valid" if valid else "invalid",
        grids=(Grid(heads=heads, rows=tuple(rows), notes=(WITHIN,)),),
        notes=tuple(remarks(before, after)),
        sentence=sentence(found)
        if valid
        else "One of the runs is not valid, so the difference proves nothing.",
    )


def worsened(before: Record, after: Record, text: str) -> tuple[list[str], int]:
    """Hold a budget against how much worse the second run is; return lines and exit code.

    Broken (3) only if the whole interval lies above the limit. A limit on something that was not
    measured in both, or without an interval, gives 4. Raises BudgetError and CompareError.
    """
    limits, found = parse(text), changes(before, after)
    if "invalid" in {before.verdict, after.verdict}:
        return ["budget not judged: one of the runs is not valid"], INVALID_EXIT
    lines, codes = [], [0]
    for limit in limits:
        names = {table.get(limit.word) for table in (ADDED, ALONE, USED)}
        fitting = [one for one in found if one.figure in names and not one.to_floor]
        if not fitting:
            lines.append(f"budget {limit.word}: not measured in both runs")
            codes.append(INVALID_EXIT)
        for one in fitting:
            shown, most = _shown(one), limit.most / figure(one.figure).base
            head = f"budget {limit.word}, {one.arm}: at most {shown.text(most)} worse"
            if one.low is None or one.high is None:
                lines.append(f"{head}: too few rounds to tell")
                codes.append(INVALID_EXIT)
                continue
            word = "broken" if one.low > most else "kept" if one.high <= most else "cannot tell"
            codes.append(BROKEN_EXIT if word == "broken" else 0)
            change = shown.text(one.change, signed=True)
            lines.append(f"{head}, found {change} {shown.interval(one.low, one.high)}: {word}")
    return lines, max(codes)
