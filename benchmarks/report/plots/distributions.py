"""Distributions: shares of values below each latency, and what an arm adds at each percentile."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.report.amounts import Unit, unit
from benchmarks.report.distribution import Distribution, arms_with, distribution
from benchmarks.report.effects import AGAIN, DELAY, DIRECT, arms_of
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
    placed,
    stairs,
    x_axis,
    y_axis,
)
from benchmarks.report.plots.plot import Plot, missing
from benchmarks.report.plots.scale import linear, logarithmic, suited
from benchmarks.report.record import Record

SHARES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
ENOUGH: Final = 10
"""So many values must lie above a percentile that is drawn."""
NAMES: Final = {
    "first_token": "Time outside the engine until the first token",
    "token": "Time from the engine's write to the client",
    "ttft": "Time to first token (TTFT)",
    "itl": "Time between tokens (ITL)",
}
Known = Mapping[str, Distribution]


def _known(record: Record, stem: str) -> Known:
    found = {}
    for arm in arms_with(record, stem):
        one = distribution(record, arm, stem)
        if one is not None:
            found[arm] = one
    return found


def _chosen(record: Record, first: str, instead: str) -> tuple[str, Known]:
    """Return the stamped distribution, or where no engine stamped, what the user saw."""
    known = _known(record, first)
    return (first, known) if known else (instead, _known(record, instead))


def _percent(share: float) -> str:
    return f"p{share * 100:g}"


def _band(record: Record, known: Known) -> list[tuple[float, float]]:
    """Return the outline between direct and direct again: what cannot be told apart."""
    pair = [arm for arm in (*arms_of(record, DIRECT), *arms_of(record, AGAIN)) if arm in known]
    if len(pair) < 2:
        return []
    shares = [place / 50 for place in range(1, 50)]
    ends = [[(known[arm].at(share), share) for share in shares] for arm in pair[:2]]
    return [*ends[0], *reversed(ends[1])]


def ecdf(record: Record, key: str, first: str, instead: str) -> Plot:
    """Return the cumulative distribution of every arm, on a logarithmic time axis."""
    stem, known = _chosen(record, first, instead)
    title = NAMES[stem]
    if not known:
        return missing(key, title, "This record holds no histogram of it.")
    meant, styles = figure(f"{stem}_us"), looks(record)
    shown = unit(meant, [max(one.at(0.9) for one in known.values())])
    ends = [v for one in known.values() for v in (one.at(0.001), one.at(0.999))]
    x = logarithmic([value * shown.factor for value in ends], LEFT, RIGHT)
    y = linear([0.0, 100.0], BOTTOM, TOP)
    band = [(value * shown.factor, share * 100) for value, share in _band(record, known)]
    parts = [
        legend(known, styles),
        x_axis(x, f"{shown.symbol}, logarithmic"),
        y_axis(y, "share of values, %"),
        svg.path(placed(band, x, y), "band", closed=True),
    ]
    for arm, one in known.items():
        curve = [(value * shown.factor, share * 100) for value, share in one.curve()]
        parts.append(svg.path(stairs(placed(curve, x, y)), f"l {styles[arm].css}"))
    rows = [
        (arm, *(shown.text(one.at(share)) for share in SHARES[2:])) for arm, one in known.items()
    ]
    caption = "The share of values that came sooner than the time below; further left is sooner."
    if len(known) > 1:
        caption += " The horizontal distance between two lines is what one adds."
    if band:
        caption += " The shaded band is direct against itself: nothing inside it means anything."
    return Plot(
        key=key,
        title=title,
        caption=caption,
        svg=svg.drawing(parts, height=HEIGHT, key=key, title=title, desc=caption),
        heads=("arm", *(_percent(share) for share in SHARES[2:])),
        rows=tuple(rows),
    )


def _shifts(base: Distribution, known: Known) -> tuple[list[float], dict[str, list[float]]]:
    """Return percentiles with enough values above them, and what each arm adds there, in us."""
    fewest = min(one.count for one in (base, *known.values()))
    shares = [share for share in SHARES if fewest * (1 - share) >= ENOUGH]
    return shares, {
        arm: [one.at(share) - base.at(share) for share in shares] for arm, one in known.items()
    }


def shift(record: Record, key: str = "shift") -> Plot:
    """Return what each arm adds at each percentile (the shift function of Doksum, 1974)."""
    stem, known = _chosen(record, "token", "itl")
    title = "What is added at each percentile"
    base = next((arm for arm in arms_of(record, DIRECT) if arm in known), None)
    others = {
        arm: one for arm, one in known.items() if arm != base and arm not in arms_of(record, DELAY)
    }
    if base is None or not others:
        return missing(key, title, "It needs histograms of direct and of another arm.")
    shares, added = _shifts(known[base], others)
    shown = unit(figure(f"{stem}_us"), [value for of in added.values() for value in of])
    return _shift_plot(record, (key, title), shares, added, shown)


def _shift_plot(
    record: Record,
    named: tuple[str, str],
    shares: Sequence[float],
    added: Mapping[str, Sequence[float]],
    shown: Unit,
) -> Plot:
    key, title = named
    styles, again = looks(record), arms_of(record, AGAIN)
    wide = [v * shown.factor for arm, of in added.items() if arm not in again for v in of]
    y = suited(wide or [0.0], BOTTOM, TOP)
    if not y.log:
        y = linear([v * shown.factor for of in added.values() for v in of], BOTTOM, TOP)
    places = [
        LEFT + 30 + i * (RIGHT - LEFT - 60) / max(1, len(shares) - 1) for i in range(len(shares))
    ]
    drawn = [arm for arm in added if not y.log or arm not in again]
    parts = [
        legend(drawn, styles, marks=True),
        y_axis(y, f"added, {shown.symbol}{', logarithmic' if y.log else ''}"),
        named_axis([_percent(share) for share in shares], places),
    ]
    for arm in drawn:
        look = styles[arm]
        ends = [y.at(v * shown.factor) for v in added[arm]]
        parts.append(svg.path(zip(places, ends, strict=True), f"l {look.css}"))
        for at, height, value, share in zip(places, ends, added[arm], shares, strict=True):
            told = f"{arm} {_percent(share)}: {shown.text(value, signed=True)}"
            parts.append(svg.marker(look.shape, at, height, f"m {look.css}", told))
    caption = (
        "A level line adds the same to every token; one that rises to the right hurts the tail."
    )
    rows = [(arm, *(shown.text(value, signed=True) for value in of)) for arm, of in added.items()]
    return Plot(
        key=key,
        title=title,
        caption=caption,
        svg=svg.drawing(parts, height=HEIGHT, key=key, title=title, desc=caption),
        heads=("arm", *(_percent(share) for share in shares)),
        rows=tuple(rows),
    )
