"""A backend's failure over time: answers that ended well and badly, and what happened when."""

from collections.abc import Mapping
from typing import Final

from benchmarks.report.plots import svg
from benchmarks.report.plots.axes import LEFT, RIGHT, stairs, x_axis, y_axis
from benchmarks.report.plots.plot import Plot, missing, thinned
from benchmarks.report.plots.scale import Scale, linear
from benchmarks.report.record import Record

TOP: Final = 62.0
PANEL: Final = 96.0
GAP: Final = 34.0
PREFIX: Final = "failover:"
EVENTS: Final = "events"
Columns = Mapping[str, list[float]]


def _step(columns: Columns) -> float:
    at = columns["at_s"]
    return at[1] - at[0] if len(at) > 1 else 1.0


def _panel(arm: str, columns: Columns, top: float, x: Scale, most: float) -> str:
    step = _step(columns)
    rates = [
        (at, ok / step, failed / step)
        for at, ok, failed in zip(columns["at_s"], columns["ok"], columns["failed"], strict=True)
    ]
    y = linear([most], top + PANEL, top, about=3)
    end = rates[-1][0] + step
    steps = stairs([(x.at(at), y.at(ok)) for at, ok, _ in [*rates, (end, rates[-1][1], 0.0)]])
    area = [(x.at(rates[0][0]), y.at(0)), *steps, (x.at(end), y.at(0))]
    parts = [
        y_axis(y, "per second"),
        svg.text(LEFT, top - 7, arm, "t k"),
        svg.path(area, "ok", closed=True),
    ]
    for at, ok, failed in rates:
        left, wide = x.at(at), x.at(at + step) - x.at(at)
        told = f"{arm}, {at:g} s: {ok:,.0f} well, {failed:,.0f} failed per second"
        if failed:
            high = y.at(ok + failed)
            parts.append(svg.rect(left, high, wide, y.at(ok) - high, "bad", told))
    return "".join(parts)


def _events(record: Record, x: Scale, bottom: float) -> str:
    parts = []
    known = [(at, words) for words, ats in record.series.get(EVENTS, {}).items() for at in ats]
    for place, (at, words) in enumerate(sorted(known)):
        where, height = x.at(at), 30.0 + 14 * (place % 2)
        parts.append(svg.line((where, height + 4), (where, bottom), "mark"))
        parts.append(svg.text(where + 4, height + 1, f"{words}, {at:g} s", "t k"))
    return "".join(parts)


def _key() -> str:
    return "".join(
        [
            svg.rect(LEFT, 6, 14, 10, "ok"),
            svg.text(LEFT + 20, 15, "answered", "t k"),
            svg.rect(LEFT + 100, 6, 14, 10, "bad"),
            svg.text(LEFT + 120, 15, "failed", "t k"),
        ]
    )


def failover(record: Record, key: str = "failover") -> Plot:
    """Return a panel an arm: answers that ended in each step, and the events as lines."""
    title = "While a backend breaks"
    found = {
        name.removeprefix(PREFIX): columns
        for name, columns in record.series.items()
        if name.startswith(PREFIX) and all(columns.get(one) for one in ("at_s", "ok", "failed"))
    }
    if not found:
        return missing(key, title, "Only `headrace bench faults` breaks backends.")
    end = max(columns["at_s"][-1] + _step(columns) for columns in found.values())
    x = Scale(low=0.0, high=end, start=LEFT, end=RIGHT)
    bottom = TOP + 16 + len(found) * (PANEL + GAP) - GAP
    most = max(
        (ok + failed) / _step(columns)
        for columns in found.values()
        for ok, failed in zip(columns["ok"], columns["failed"], strict=True)
    )
    parts = [_key()]
    for place, (arm, columns) in enumerate(found.items()):
        parts.append(_panel(arm, columns, TOP + 16 + place * (PANEL + GAP), x, most))
    parts.append(x_axis(x, "seconds", top=bottom, bottom=bottom))
    parts.append(_events(record, x, bottom))
    caption = "Answers by the moment they ended. Red is what clients saw fail."
    rows = [
        (arm, f"{at:g}", f"{columns['ok'][place]:g}", f"{columns['failed'][place]:g}")
        for arm, columns in found.items()
        for place, at in enumerate(columns["at_s"])
    ]
    return Plot(
        key=key,
        title=title,
        caption=caption,
        svg=svg.drawing(parts, height=bottom + 46, key=key, title=title, desc=caption),
        heads=("arm", "second", "answered", "failed"),
        rows=thinned(rows),
    )
