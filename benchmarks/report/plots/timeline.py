"""Over time: arrivals and open streams above, and below them how late tokens were, arm by arm."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from benchmarks.report.amounts import Unit, present, unit
from benchmarks.report.figures import figure
from benchmarks.report.plots import svg
from benchmarks.report.plots.axes import LEFT, RIGHT, stairs, x_axis, y_axis
from benchmarks.report.plots.plot import Plot, missing, thinned
from benchmarks.report.plots.scale import WIDE, Scale, linear
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


class Heat(msgspec.Struct, frozen=True, kw_only=True):
    """Shades for values from `least` to `most`: even steps, or even ratios if decades apart."""

    least: float
    most: float
    shown: Unit

    def level(self, value: float) -> int:
        """Return the shade of a value: 0 to `LEVELS`."""
        if self.most <= 0:
            return 0
        share = value / self.most
        if self.least > 0 and self.most / self.least > WIDE:
            share = math.log(max(value, self.least) / self.least) / math.log(self.most / self.least)
        return min(LEVELS, max(0, round(share * LEVELS)))

    def ends(self) -> tuple[str, str]:
        """Return what the weakest and the strongest shade stand for."""
        wide = self.least > 0 and self.most / self.least > WIDE
        return self.shown.text(self.least) if wide else "0", self.shown.text(self.most)


def _strip(arm: str, columns: Columns, y: float, x: Scale, heat: Heat) -> str:
    """Return one row of heat: neighbours of one shade are one box."""
    at, late = columns["at_s"], columns["token_p99_us"]
    step = at[1] - at[0] if len(at) > 1 else 1.0
    parts = [svg.text(LEFT - 7, y + 13, arm if len(arm) < 10 else f"{arm[:8]}..", "t", "end")]
    begun = 0
    for place in range(1, len(at) + 1):
        now = heat.level(late[begun])
        if place < len(at) and heat.level(late[place]) == now:
            continue
        left, right = x.at(at[begun]), x.at(at[place - 1] + step)
        peak = max(late[begun:place])
        told = f"{arm}, {at[begun]:g} to {at[place - 1] + step:g} s: {heat.shown.text(peak)}"
        parts.append(svg.rect(left, y, right - left, STRIP, f"h h{now}", told))
        begun = place
    return "".join(parts)


def _heat_key(y: float, heat: Heat) -> str:
    left, (least, most) = RIGHT - 230, heat.ends()
    boxes = [svg.rect(left + i * 14, y, 14, 10, f"h h{i}") for i in range(LEVELS + 1)]
    after = svg.text(left + (LEVELS + 1) * 14 + 6, y + 9, f"{most} token p99")
    return "".join([svg.text(left - 6, y + 9, least, "t", "end"), *boxes, after])


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
    known = [v for of in late.values() for v in present(of["token_p99_us"])]
    heat = Heat(
        least=min(known, default=0.0),
        most=max(known, default=0.0),
        shown=unit(figure("token_p99_us"), known),
    )
    bottom = MIDDLE + 14 + len(late) * (STRIP + 5)
    parts = [_key(), y_axis(y, "count"), _load(first, x, y)]
    for place, (arm, columns) in enumerate(late.items()):
        strip = MIDDLE + 12 + place * (STRIP + 5)
        parts.append(_strip(arm, columns, strip, x, heat))
    parts.append(x_axis(x, "seconds", top=bottom, bottom=bottom))
    if late:
        parts.append(_heat_key(bottom + 44, heat))
    caption = (
        "Above: the load. Below: how late the slowest hundredth of the tokens arrived in each "
        "second, by arm; the stronger the colour, the later."
    )
    return Plot(
        key=key,
        title=title if late else "Load over time",
        caption=caption if late else "What was sent, and what ran at once.",
        svg=svg.drawing(
            parts, height=bottom + (62 if late else 46), key=key, title=title, desc=caption
        ),
        heads=("second", "begun per s", "open", *(f"{arm} token p99" for arm in late)),
        rows=_rows(first, list(late.values()), heat.shown),
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
