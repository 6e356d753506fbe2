"""The tables of capacity, faults, fairness and the self-test: rows by figure, columns by arm."""

from collections.abc import Sequence
from typing import Final

from benchmarks.report.amounts import unit
from benchmarks.report.effects import AGAIN, DELAY, DIRECT, PROXY, Standing, arms_of, standing
from benchmarks.report.figures import figure
from benchmarks.report.record import Record
from benchmarks.report.sheet import Cell, Grid, Tone, cell
from benchmarks.report.sheets.overhead import shown_added

VERDICTS: Final = {1: ("kept", Tone.GOOD), 0: ("cannot tell", Tone.DIM), -1: ("missed", Tone.BAD)}
SHARE: Final = "share:"
WANTED: Final = "want:"


def bracket(record: Record) -> Grid | None:
    """Return between which rates, and numbers of streams, each arm's limits stop being kept."""
    arms, rows = arms_of(record, DIRECT, PROXY), []
    for what, title in (("rate", "requests per second"), ("streams", "open streams")):
        cells = []
        for arm in arms:
            found = record.figures.get(arm, {})
            low, high = (found.get(f"capacity_{what}_{end}") for end in ("low", "high"))
            if low is None:
                cells.append(cell("-", tone=Tone.DIM))
            elif high is None:
                cells.append(cell(f"at least {low:,.0f}"))
            else:
                cells.append(cell(f"{low:,.0f} .. {high:,.0f}"))
        if any(one.text != "-" for one in cells):
            rows.append((cell(title), *cells))
    if not rows:
        return None
    notes = ("kept at the first number, missed at the second; between them nobody looked",)
    return Grid(title="capacity", heads=("", *arms), rows=tuple(rows), notes=notes)


def search(record: Record, arm: str) -> Grid | None:
    """Return the steps of an arm's search."""
    found = record.series.get(f"search:{arm}", {})
    tried = next((name for name in ("rate", "streams") if found.get(name)), None)
    if tried is None or not found.get("verdict"):
        return None
    others = [name for name in found if name not in {tried, "verdict"}]
    units = {name: unit(figure(name), found[name]) for name in others}
    rows = []
    for place, (value, verdict) in enumerate(zip(found[tried], found["verdict"], strict=True)):
        word, tone = VERDICTS[max(-1, min(1, round(verdict)))]
        extra = (cell(units[name].text(found[name][place])) for name in others)
        rows.append((cell(f"{value:,.0f}"), *extra, cell(word, tone=tone)))
    heads = (
        {"rate": "requests/s", "streams": "streams"}[tried],
        *(figure(name).label for name in others),
        "limits",
    )
    return Grid(title=f"search, {arm}", heads=heads, rows=tuple(rows))


def plain(record: Record, title: str) -> Grid | None:
    """Return every figure of every arm that has figures of its own."""
    arms = [arm for arm, found in record.figures.items() if found]
    names = list(dict.fromkeys(name for arm in arms for name in record.figures[arm]))
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        if name.startswith((SHARE, WANTED)):
            continue
        values = [record.figures[arm].get(name) for arm in arms]
        shown = unit(figure(name), values)
        label = name.replace("failed:", "  ") if name.startswith("failed:") else figure(name).label
        rows.append((cell(label), *(cell(shown.text(value)) for value in values)))
    return Grid(title=title, heads=("", *arms), rows=tuple(rows)) if rows else None


def shares(record: Record) -> Grid | None:
    """Return which share of the work each engine got under each policy, and which it should."""
    arms = [a for a, found in record.figures.items() if any(n.startswith(SHARE) for n in found)]
    engines = list(
        dict.fromkeys(
            name.removeprefix(SHARE)
            for arm in arms
            for name in record.figures[arm]
            if name.startswith(SHARE)
        )
    )
    rows = []
    for engine in engines:
        cells = []
        for arm in arms:
            got = record.figures[arm].get(f"{SHARE}{engine}")
            want = record.figures[arm].get(f"{WANTED}{engine}")
            shown = unit(figure("share"), [got, want])
            cells.append(
                cell(shown.text(got), f"of {shown.text(want)}" if want is not None else "")
            )
        rows.append((cell(engine), *cells))
    if not rows:
        return None
    notes = ("below each share: what the weights ask for",) if _wanted(record) else ()
    return Grid(title="share of the work", heads=("", *arms), rows=tuple(rows), notes=notes)


def _wanted(record: Record) -> bool:
    return any(name.startswith(WANTED) for found in record.figures.values() for name in found)


def control(record: Record) -> Grid | None:
    """Return the two arms whose truth is known: direct against itself, and the known delay."""
    rows = []
    for effect in record.effects:
        if effect.arm not in arms_of(record, AGAIN, DELAY) or effect.added is None:
            continue
        meant = figure(effect.figure)
        shown = unit(meant, [effect.added, effect.low, effect.high])
        found = shown_added(effect, shown)
        text = shown.text(effect.added, signed=True)
        word = "holds zero" if _holds_zero(effect.low, effect.high) else "differs from zero"
        if word != "holds zero" and standing(effect) is Standing.UNSEEN:
            word = "leaves zero out, by less than counts as seen"
        rows.append(
            (cell(f"{effect.arm}: {meant.label}"), cell(text), cell(found.under), cell(word))
        )
    if not rows:
        return None
    heads = ("against direct", "difference", "95 % interval", "")
    return Grid(title="arms whose truth is known", heads=heads, rows=tuple(rows))


def _holds_zero(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low <= 0 <= high


def instrument(record: Record) -> Grid | None:
    """Return the figures that are about no arm: what the client itself can do."""
    arms = {arm.name for arm in record.arms}
    rows = [
        (cell(f"{part}: {figure(name).label}"), cell(unit(figure(name), [value]).text(value)))
        for part, found in record.figures.items()
        if part not in arms
        for name, value in found.items()
    ]
    return Grid(title="the instrument", heads=("", "found"), rows=tuple(rows)) if rows else None


def checks(record: Record) -> Grid | None:
    """Return the conditions of validity."""
    if not record.checks:
        return None
    rows = tuple(
        (
            cell(check.name),
            cell(check.detail),
            cell(
                "yes" if check.passed else "NO",
                tone=Tone.GOOD if check.passed else Tone.BAD,
            ),
        )
        for check in record.checks
    )
    return Grid(title="validity", heads=("condition", "found", "met"), rows=rows)


def each(record: Record, arms: Sequence[str]) -> Sequence[Grid]:
    """Return the searches of several arms."""
    return [grid for arm in arms if (grid := search(record, arm)) is not None]
