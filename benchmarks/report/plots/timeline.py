"""Over time: arrivals and open streams above, and below them how late tokens were, arm by arm."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.report.amounts import Unit, present, unit
from benchmarks.report.figures import figure
from benchmarks.report.plots import svg
from benchmarks.report.plots.axes import LEFT, RIGHT, stairs, x_axis, y_axis
from benchmarks.report.plots.plot import Plot, missing, thinned
from benchmarks.report.plots.scale import Scale, linear
from benchmarks.report.record import Record

TOP: Final = 34.0
MIDDLE: Final = 190.0
STRIP: Final = 18.0
LEVELS: Final = 6
"""Shades of the heat strip: more cannot be told apart by eye."""
PREFIX: Final = "timeline:"
Columns = Mapping[str, list[float]]


def _columns(record: Record, *names: str) -> dict[str, Columns]:
    """Return the timelines that have these columns, by arm."""
    return {
        name.removeprefix(PREFIX): columns
        for name, columns in record.series.items()
        if name.startswith(PREFIX) and all(columns.get(one) for one in names)
    }


def _load(columns: Columns, x: Scale, y: Scale) -> str:
    at, arrivals, streams = (columns[n] for n in ("at_s", "arrivals_per_s", "open_streams"))
    points = [(x.at(a), y.at(b)) for a, b in zip(at, arrivals, strict=True)]
    steps = stairs(points)
    area = [(steps[0][0], y.at(0)), *steps, (steps[-1][0], y.at(0))]
    line = [(x.at(a), y.at(b)) for a, b in zip(at, streams, strict=True)]
    return svg.path(area, "area", closed=True) + svg.path(line, "l a-1")


def level(value: float, most: float) -> int:
    """Return the shade of a value: 0 to `LEVELS`."""
    return min(LEVELS, max(0, round(value / most * LEVELS))) if most > 0 else 0


def _strip(arm: str, columns: Columns, y: float, x: Scale, most: tuple[float, Unit]) -> str:
    """Return one row of heat: neighbours of one shade are one box."""
    at, late = columns["at_s"], columns["token_p99_us"]
    step = at[1] - at[0] if len(at) > 1 else 1.0
    parts = [svg.text(LEFT - 7, y + 13, arm if len(arm) < 10 else f"{arm[:8]}..", "t", "end")]
    begun = 0
    for place in range(1, len(at) + 1):
        now = level(late[begun], most[0])
        if place < len(at) and level(late[place], most[0]) == now:
            continue
        left, right = x.at(at[begun]), x.at(at[place - 1] + step)
        peak = max(late[begun:place])
        told = f"{arm}, {at[begun]:g} to {at[place - 1] + step:g} s: {most[1].text(peak)}"
        parts.append(svg.rect(left, y, right - left, STRIP, f"h h{now}", told))
        begun = place
    return "".join(parts)


def _heat_key(y: float, top: str) -> str:
    left = RIGHT - 190
    boxes = [svg.rect(left + i * 14, y, 14, 10, f"h h{i}") for i in range(LEVELS + 1)]
    after = svg.text(left + (LEVELS + 1) * 14 + 6, y + 9, top)
    return "".join([svg.text(left - 6, y + 9, "0", "t", "end"), *boxes, after])


def _key() -> str:
    return "".join(
        [
            svg.rect(LEFT, 12, 14, 10, "area"),
            svg.text(LEFT + 20, 21, "requests begun per second", "t k"),
            svg.line((LEFT + 190, 17), (LEFT + 206, 17), "l a-1"),
            svg.text(LEFT + 212, 21, "open streams", "t k"),
        ]
    )


def timeline(record: Record, key: str = "timeline") -> Plot:
    """Return load over time with a heat strip of token lateness for each arm."""
    title = "What bursts do"
    loads = _columns(record, "at_s", "arrivals_per_s", "open_streams")
    late = _columns(record, "at_s", "token_p99_us")
    if not loads:
        return missing(key, title, "This command keeps no record of load over time.")
    first = next(iter(loads.values()))
    x = Scale(low=0.0, high=max(first["at_s"]) or 1.0, start=LEFT, end=RIGHT)
    y = linear([*first["arrivals_per_s"], *first["open_streams"]], MIDDLE, TOP)
    worst = max((v for of in late.values() for v in present(of["token_p99_us"])), default=0.0)
    shown = unit(figure("token_p99_us"), [worst])
    bottom = MIDDLE + 14 + len(late) * (STRIP + 5)
    parts = [_key(), y_axis(y, "count"), _load(first, x, y)]
    for place, (arm, columns) in enumerate(late.items()):
        strip = MIDDLE + 12 + place * (STRIP + 5)
        parts.append(_strip(arm, columns, strip, x, (worst, shown)))
    parts.append(x_axis(x, "seconds", top=bottom, bottom=bottom))
    if late:
        parts.append(_heat_key(bottom + 27, f"{shown.text(worst)} token p99"))
    caption = (
        "Above: the load. Below: how late the slowest hundredth of the tokens arrived in each "
        "second, by arm; darker is later."
    )
    return Plot(
        key=key,
        title=title,
        caption=caption if late else "The load over time.",
        svg=svg.drawing(parts, height=bottom + 46, key=key, title=title, desc=caption),
        heads=("second", "begun per s", "open", *(f"{arm} token p99" for arm in late)),
        rows=_rows(first, list(late.values()), shown),
    )


def _rows(first: Columns, late: Sequence[Columns], shown: Unit) -> tuple[tuple[str, ...], ...]:
    rows = []
    for place, at in enumerate(first["at_s"]):
        found = (of["token_p99_us"] for of in late)
        rows.append(
            (
                f"{at:g}",
                f"{first['arrivals_per_s'][place]:,.0f}",
                f"{first['open_streams'][place]:,.0f}",
                *(shown.text(of[place]) if place < len(of) else "" for of in found),
            )
        )
    return thinned(rows)
