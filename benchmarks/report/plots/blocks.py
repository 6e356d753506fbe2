"""Block by block: each round's pair as a slope, and CPU against throughput."""

from collections.abc import Sequence
from typing import Final

from benchmarks.report.amounts import Unit, present, unit
from benchmarks.report.effects import DIRECT, PROXY, arms_of
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
    named_axis,
    x_axis,
    y_axis,
)
from benchmarks.report.plots.plot import Plot, missing, thinned
from benchmarks.report.plots.scale import Scale, label, linear, suited
from benchmarks.report.record import Record

PANELS: Final = 5
"""So many pairs fit side by side."""
SLOPED: Final = ("token_p50_us", "first_token_p50_ms", "itl_p50_ms", "ttft_p50_ms")
Pair = tuple[int, float, float]


def pairs(record: Record, arm: str, base: str, name: str) -> list[Pair]:
    """Return round, direct's value and the arm's, of every round that has both."""
    found: dict[str, dict[int, float]] = {base: {}, arm: {}}
    for block in record.blocks:
        value = block.figures.get(name)
        if not block.rejected and block.arm in found and value is not None:
            found[block.arm][block.round] = value
    return [
        (number, found[base][number], value)
        for number, value in sorted(found[arm].items())
        if number in found[base]
    ]


def _panel(of: Sequence[Pair], ends: tuple[float, float], y: Scale, shown: Unit, css: str) -> str:
    parts = []
    for number, before, after in of:
        told = f"round {number}: {shown.text(before)} to {shown.text(after)}"
        points = [(ends[0], y.at(before * shown.factor)), (ends[1], y.at(after * shown.factor))]
        parts.append(svg.path(points, f"l thin {css}"))
        parts.append(svg.marker("dot", *points[0], "m small a-direct", told))
        parts.append(svg.marker("dot", *points[1], f"m small {css}", told))
    return "".join(parts)


def slopes(record: Record, key: str = "slopes") -> Plot:
    """Return a line a round from direct to each proxy, for the first figure that has pairs."""
    title = "Every pair of blocks"
    bases, arms = arms_of(record, DIRECT), arms_of(record, PROXY)[:PANELS]
    for name in SLOPED:
        found = {arm: pairs(record, arm, bases[0], name) for arm in arms} if bases else {}
        if any(found.values()):
            break
    else:
        return missing(key, title, "It needs blocks of direct and of a proxy in the same rounds.")
    meant, styles = figure(name), looks(record)
    values = [value for of in found.values() for _, a, b in of for value in (a, b)]
    shown = unit(meant, values)
    y = suited([value * shown.factor for value in values], BOTTOM, TOP - 16)
    wide = (RIGHT - LEFT) / len(arms)
    parts = [y_axis(y, f"{meant.label}, {shown.symbol}{', logarithmic' if y.log else ''}")]
    names: list[str] = []
    places: list[float] = []
    for place, arm in enumerate(arms):
        ends = (LEFT + (place + 0.25) * wide, LEFT + (place + 0.75) * wide)
        parts.append(_panel(found[arm], ends, y, shown, styles[arm].css))
        names += ["direct", arm]
        places += ends
    parts.append(named_axis(names, places))
    caption = "One line a round. Lines that all climb alike are a cost; lines that cross are noise."
    rows = [
        (arm, str(number), shown.text(a), shown.text(b), shown.text(b - a, signed=True))
        for arm, of in found.items()
        for number, a, b in of
    ]
    return Plot(
        key=key,
        title=f"{title}: {meant.label}",
        caption=caption,
        svg=svg.drawing(parts, height=HEIGHT, key=key, title=title, desc=caption),
        heads=("arm", "round", "direct", "proxied", "added"),
        rows=thinned(rows),
    )


def _spent(record: Record, arm: str) -> list[tuple[float, float]]:
    """Return tokens a second and cores in use, of each block that knows both."""
    found = []
    for block in record.blocks:
        rate = block.figures.get("tokens_per_s")
        cost = block.figures.get("cpu_ms_per_1k_tokens")
        if not block.rejected and block.arm == arm and rate and cost is not None:
            found.append((rate, rate * cost / 1e6))
    return found


def cpu(record: Record, key: str = "cpu") -> Plot:
    """Return cores in use against tokens a second, a mark a block, and the line of equal cost."""
    title = "CPU against throughput"
    found = {arm.name: of for arm in record.arms if (of := _spent(record, arm.name))}
    if not found:
        return missing(key, title, "No block tells the CPU of a proxy.")
    styles = looks(record)
    x = linear([rate for of in found.values() for rate, _ in of], LEFT, RIGHT)
    y = suited([used for of in found.values() for _, used in of], BOTTOM, TOP)
    parts = [
        legend(found, styles, marks=True),
        x_axis(x, "tokens per second"),
        y_axis(y, f"CPU, cores{', logarithmic' if y.log else ''}"),
    ]
    rows = []
    for arm, of in found.items():
        look = styles[arm]
        each = sum(used for _, used in of) / sum(rate for rate, _ in of)
        line = [x.high * step / 24 for step in range(1, 25)]
        fit = [(x.at(rate), y.at(rate * each)) for rate in line if y.low <= rate * each <= y.high]
        parts.append(svg.path(fit, f"l dash {look.css}"))
        for rate, used in of:
            told = f"{arm}: {used:.3f} cores at {label(round(rate))} tokens/s"
            parts.append(svg.marker(look.shape, x.at(rate), y.at(used), f"m {look.css}", told))
        rates = present(rate for rate, _ in of)
        rows.append((arm, f"{each * 1e6:.1f} ms", f"{1 / each:,.0f}", f"{max(rates):,.0f}"))
    caption = (
        "Along a dashed line every token costs the same. Marks above it on the left are a cost "
        "that is there without load."
    )
    return Plot(
        key=key,
        title=title,
        caption=caption,
        svg=svg.drawing(parts, height=HEIGHT, key=key, title=title, desc=caption),
        heads=("arm", "CPU per 1 k tokens", "tokens/s of one core", "most measured, tokens/s"),
        rows=tuple(rows),
    )
