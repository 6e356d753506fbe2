"""What grows with the number of open streams: how late a token is, and memory."""

from collections.abc import Mapping, Sequence

from benchmarks.report.amounts import unit
from benchmarks.report.figures import figure
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
from benchmarks.report.plots.scale import label, linear, suited
from benchmarks.report.record import Record

Point = tuple[float, float]


def _points(record: Record, prefix: str, x: str, y: str) -> dict[str, list[Point]]:
    """Return a series as points by arm, in the record's order of arms."""
    found = {}
    for arm in record.arms:
        columns = record.series.get(f"{prefix}:{arm.name}", {})
        points = list(zip(columns.get(x, []), columns.get(y, []), strict=False))
        if points:
            found[arm.name] = points
    return found


def slope(points: Sequence[Point]) -> tuple[float, float]:
    """Return offset and slope of the least-squares line through points; a flat one for few."""
    count = len(points)
    mean_x, mean_y = sum(a for a, _ in points) / count, sum(b for _, b in points) / count
    spread = sum((a - mean_x) ** 2 for a, _ in points)
    if not spread:
        return mean_y, 0.0
    rise = sum((a - mean_x) * (b - mean_y) for a, b in points) / spread
    return mean_y - rise * mean_x, rise


def _from_blocks(record: Record) -> Mapping[str, list[Point]]:
    """Return lateness by mean of requests under way, a point a block."""
    found: dict[str, list[Point]] = {}
    for block in record.blocks:
        open_ = block.figures.get("open_streams", block.figures.get("in_flight_mean"))
        late = block.figures.get("token_p50_us")
        if not block.rejected and open_ is not None and late is not None:
            found.setdefault(block.arm, []).append((open_, late))
    return found


def streams(record: Record, key: str = "streams") -> Plot:
    """Return token lateness against open streams with the line that fits it."""
    title = "How late tokens are with more open streams"
    found = _points(record, "streams", "open_streams", "token_p50_us") or _from_blocks(record)
    if not found or len({count for of in found.values() for count, _ in of}) < 2:
        return missing(key, title, "It needs blocks with different numbers of open streams.")
    meant, styles = figure("token_p50_us"), looks(record)
    values = [late for of in found.values() for _, late in of]
    shown = unit(meant, values)
    x = linear([count for of in found.values() for count, _ in of], LEFT, RIGHT)
    y = suited([late * shown.factor for late in values], BOTTOM, TOP)
    parts = [
        legend(found, styles, marks=True),
        x_axis(x, "open streams"),
        y_axis(y, f"token p50, {shown.symbol}{', logarithmic' if y.log else ''}"),
    ]
    rows = []
    for arm, of in found.items():
        look = styles[arm]
        offset, rise = slope(of)
        counts = [x.low + step * (x.high - x.low) / 24 for step in range(25)]
        line = [(n, (offset + rise * n) * shown.factor) for n in counts]
        fit = [(x.at(n), y.at(late)) for n, late in line if y.low <= late <= y.high]
        parts.append(svg.path(fit, f"l dash {look.css}"))
        for count, late in of:
            told = f"{arm}, {label(count)} streams: {shown.text(late)}"
            at = (x.at(count), y.at(late * shown.factor))
            parts.append(svg.marker(look.shape, *at, f"m {look.css}", told))
        rows.append((arm, shown.text(offset), f"{rise:+.2f} us", str(len(of))))
    caption = (
        "Engines emit for all streams at once and a proxy passes the tokens on one by one, so the "
        "median waits about half of CPU per chunk times streams."
    )
    return Plot(
        key=key,
        title=title,
        caption=caption,
        svg=svg.drawing(parts, height=HEIGHT, key=key, title=title, desc=caption),
        heads=("arm", "at none", "per further stream", "points"),
        rows=tuple(rows),
    )


def memory(record: Record, key: str = "memory") -> Plot:
    """Return RSS against open streams; the ring is what was left after all had closed."""
    title = "Memory"
    found = _points(record, "memory", "open_streams", "rss_mib")
    if not found:
        return missing(
            key, title, "Only `overhead` and `capacity` hold streams open to weigh them."
        )
    styles = looks(record)
    x = linear([count for of in found.values() for count, _ in of], LEFT, RIGHT)
    y = linear([mib for of in found.values() for _, mib in of], BOTTOM, TOP)
    parts = [
        legend(found, styles, marks=True),
        x_axis(x, "open streams"),
        y_axis(y, "resident memory, MiB"),
    ]
    rows = []
    for arm, of in found.items():
        look = styles[arm]
        closed = record.series[f"memory:{arm}"].get("closed", [0.0] * len(of))
        held = [point for point, after in zip(of, closed, strict=False) if not after]
        parts.append(svg.path([(x.at(n), y.at(mib)) for n, mib in held], f"l {look.css}"))
        for (count, mib), after in zip(of, closed, strict=False):
            words = "after all closed" if after else f"{label(count)} streams"
            told = f"{arm}, {words}: {mib:.1f} MiB"
            css = f"m {look.css}{' hollow' if after else ''}"
            shape = "ring" if after else look.shape
            parts.append(svg.marker(shape, x.at(count), y.at(mib), css, told))
            rows.append((arm, words, f"{mib:.1f} MiB"))
        _at_none, rise = slope(held) if held else (0.0, 0.0)
        rows.append((arm, "per stream", f"{rise * 1024:.1f} KiB"))
    caption = (
        "The slope is memory per open stream; a ring above the start is what was not returned."
    )
    return Plot(
        key=key,
        title=title,
        caption=caption,
        svg=svg.drawing(parts, height=HEIGHT, key=key, title=title, desc=caption),
        heads=("arm", "streams", "RSS"),
        rows=thinned(rows),
    )
