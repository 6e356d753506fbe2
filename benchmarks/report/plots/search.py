"""The way a capacity search took: what it tried, in order, and what came of each try."""

from collections.abc import Mapping
from typing import Final

from benchmarks.report.plots import svg
from benchmarks.report.plots.axes import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    legend,
    looks,
    x_axis,
    y_axis,
)
from benchmarks.report.plots.plot import Plot, missing, thinned
from benchmarks.report.plots.scale import Scale, label, suited
from benchmarks.report.record import Record

PREFIX: Final = "search:"
MARKS: Final = {
    1: ("up", "v-kept", "kept"),
    0: ("ring", "v-open", "cannot tell"),
    -1: ("cross", "v-missed", "missed"),
}
UNITS: Final = {"rate": "requests per second", "streams": "open streams"}
Columns = Mapping[str, list[float]]


def _tried(columns: Columns) -> str | None:
    return next((name for name in UNITS if columns.get(name)), None)


def _key(left: float) -> str:
    parts = []
    for shape, css, words in MARKS.values():
        parts.append(svg.marker(shape, left + 6, 37, f"m {css}"))
        parts.append(svg.text(left + 16, 41, words, "t k"))
        left += 34 + 7.0 * len(words)
    return "".join(parts)


def search(record: Record, key: str = "search") -> Plot:
    """Return a line an arm through its tries, with a mark for each verdict."""
    title = "The search for the limit"
    found = {
        name.removeprefix(PREFIX): columns
        for name, columns in record.series.items()
        if name.startswith(PREFIX) and _tried(columns) and columns.get("verdict")
    }
    if not found:
        return missing(key, title, "Only `headrace bench capacity` searches.")
    tried = next(name for columns in found.values() if (name := _tried(columns)))
    found = {arm: columns for arm, columns in found.items() if _tried(columns) == tried}
    longest = max(len(columns[tried]) for columns in found.values())
    x = Scale(low=0.5, high=longest + 0.5, start=LEFT, end=RIGHT)
    y = suited([value for columns in found.values() for value in columns[tried]], BOTTOM, TOP + 18)
    styles = looks(record)
    parts = [
        legend([arm for arm in found if arm in styles], styles),
        _key(LEFT),
        y_axis(y, f"{UNITS[tried]}{', logarithmic' if y.log else ''}"),
    ]
    parts.append(x_axis(x, "try", top=TOP + 18))
    rows = []
    for arm, columns in found.items():
        points = [(x.at(i + 1), y.at(value)) for i, value in enumerate(columns[tried])]
        css = styles[arm].css if arm in styles else "a-0"
        parts.append(svg.path(points, f"l thin {css}"))
        for place, (value, verdict) in enumerate(
            zip(columns[tried], columns["verdict"], strict=True)
        ):
            shape, kind, words = MARKS[max(-1, min(1, round(verdict)))]
            told = f"{arm}, try {place + 1}: {label(value)}: {words}"
            parts.append(svg.marker(shape, *points[place], f"m {kind}", told))
            rows.append((arm, str(place + 1), label(value), words))
    caption = (
        "It doubles until the limits are missed, then halves the gap. The answer is a bracket."
    )
    return Plot(
        key=key,
        title=title,
        caption=caption,
        svg=svg.drawing(parts, height=HEIGHT, key=key, title=title, desc=caption),
        heads=("arm", "try", UNITS[tried], "limits"),
        rows=thinned(rows),
    )
