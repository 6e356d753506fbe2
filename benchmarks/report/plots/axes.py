"""Axes around a plot: frame, grid, tick labels with units, titles, legend; and what lies inside."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from benchmarks.report.effects import AGAIN, DELAY, DIRECT, FLOOR
from benchmarks.report.plots import svg
from benchmarks.report.plots.scale import Scale, label
from benchmarks.report.record import Record

HEIGHT: Final = 340.0
LEFT: Final = 62.0
RIGHT: Final = svg.WIDTH - 18.0
TOP: Final = 40.0
BOTTOM: Final = HEIGHT - 48.0
SHAPES: Final = ("dot", "square", "up", "diamond", "cross")
PALETTE: Final = 6
Point = tuple[float, float]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How an arm is drawn everywhere: CSS class for colour and dash, and the shape of its marks."""

    css: str
    shape: str = "dot"


def looks(record: Record) -> Mapping[str, Look]:
    """Return the look of every arm: colours to proxies, greys to what they are compared with."""
    found: dict[str, Look] = {}
    known = [(arm.name, arm.role) for arm in record.arms]
    listed = {name for name, _ in known}
    known += [(name, "proxy") for name in record.figures if name not in listed]
    proxies = 0
    for name, role in known:
        if role in {DIRECT, AGAIN, FLOOR, DELAY}:
            found[name] = Look(css=f"a-{role}", shape="dot" if role == DIRECT else "ring")
        else:
            found[name] = Look(css=f"a-{proxies % PALETTE}", shape=SHAPES[proxies % len(SHAPES)])
            proxies += 1
    if not proxies and DIRECT in {role for _, role in known}:
        # An endpoint by itself is the subject, not the background.
        found |= {name: Look(css="a-0") for name, role in known if role == DIRECT}
    return found


def legend(arms: Iterable[str], styles: Mapping[str, Look], *, marks: bool = False) -> str:
    """Return the names of arms above the plot, each with its line or mark."""
    names = list(arms)
    wide = [39 + 7.0 * len(arm) for arm in names]
    parts, x, y = [], LEFT, 19.0 if LEFT + sum(wide) <= RIGHT else 9.0
    for arm, width in zip(names, wide, strict=True):
        if x + width > RIGHT + 18 and x > LEFT:
            x, y = LEFT, y + 16
        look = styles[arm]
        if marks:
            parts.append(svg.marker(look.shape, x + 8, y, f"m {look.css}"))
        else:
            parts.append(svg.line((x, y), (x + 16, y), f"l {look.css}"))
        parts.append(svg.text(x + 21, y + 4, arm, "t k"))
        x += width
    return "".join(parts)


def x_axis(scale: Scale, title: str, *, top: float = TOP, bottom: float = BOTTOM) -> str:
    """Return vertical grid lines, labels below, and the title with its unit."""
    parts = []
    for value in scale.ticks(6):
        x = scale.at(value)
        parts.append(svg.line((x, top), (x, bottom), "g"))
        parts.append(svg.text(x, bottom + 16, label(value), "t", "middle"))
    parts.append(svg.line((scale.start, bottom), (scale.end, bottom), "f"))
    middle = (scale.start + scale.end) / 2
    parts.append(svg.text(middle, bottom + 36, title, "t ax", "middle"))
    return "".join(parts)


def y_axis(scale: Scale, title: str, *, left: float = LEFT, right: float = RIGHT) -> str:
    """Return horizontal grid lines, labels to the left, and the title along the axis."""
    parts = []
    for value in scale.ticks():
        y = scale.at(value)
        parts.append(svg.line((left, y), (right, y), "f" if value == 0 else "g"))
        parts.append(svg.text(left - 7, y + 4, label(value), "t", "end"))
    middle = (scale.start + scale.end) / 2
    turned = svg.text(0, 0, title, "t ax", "middle")
    parts.append(svg.tag("g", turned, transform=f"translate(15 {svg.number(middle)}) rotate(-90)"))
    return "".join(parts)


def named_axis(names: Sequence[str], places: Sequence[float], *, bottom: float = BOTTOM) -> str:
    """Return names below their places."""
    frame = svg.line((LEFT, bottom), (RIGHT, bottom), "f")
    return frame + "".join(
        svg.text(x, bottom + 16, name, "t", "middle") for name, x in zip(names, places, strict=True)
    )


def placed(points: Iterable[Point], x: Scale, y: Scale) -> list[Point]:
    """Return points of data as points of the page."""
    return [(x.at(a), y.at(b)) for a, b in points]


def stairs(points: Sequence[Point]) -> list[Point]:
    """Return a step line: each value holds until the next."""
    out: list[Point] = []
    for before, after in itertools.pairwise(points):
        out += [before, (after[0], before[1])]
    return [*out, *points[-1:]]
