"""Several proxies side by side: what each adds, as a point in its interval."""

from collections.abc import Sequence
from typing import Final

from benchmarks.report.amounts import present, unit
from benchmarks.report.effects import PROXY, arms_of, effect_of
from benchmarks.report.figures import figure
from benchmarks.report.plots import svg
from benchmarks.report.plots.axes import Look, looks, x_axis
from benchmarks.report.plots.plot import Plot
from benchmarks.report.plots.scale import Scale, suited
from benchmarks.report.record import Effect, Record

WIDTH: Final = 420.0
LEFT: Final = 96.0
RIGHT: Final = WIDTH - 20.0
TOP: Final = 12.0
STEP: Final = 34.0
FIGURES: Final = (
    ("first_token_p50_ms", "Added to the first token"),
    ("token_p50_us", "Added to each token"),
    ("cpu_ms_per_1k_tokens", "CPU per 1,000 tokens"),
)


def _row(effect: Effect, y: float, x: Scale, factor: float, look: Look) -> str:
    middle = x.at((effect.added or 0.0) * factor)
    name = effect.arm if len(effect.arm) < 13 else f"{effect.arm[:11]}.."
    parts = [svg.text(LEFT - 12, y + 4, name, "t k", "end")]
    if effect.low is not None and effect.high is not None:
        low, high = x.at(effect.low * factor), x.at(effect.high * factor)
        parts.append(svg.line((low, y), (high, y), f"l {look.css}"))
        parts += [svg.line((end, y - 5), (end, y + 5), f"l {look.css}") for end in (low, high)]
    parts.append(svg.marker(look.shape, middle, y, f"m {look.css}"))
    return "".join(parts)


def _background(effects: Sequence[Effect], x: Scale, factor: float, bottom: float) -> str:
    """Return what cannot be seen as a shade, and the floor as a line."""
    first, parts = effects[0], []
    if first.direct is not None and first.resolution is not None:
        low, high = x.at(-first.resolution * factor), x.at(first.resolution * factor)
        told = "below the resolution of this run"
        parts.append(svg.rect(low, TOP, high - low, bottom - TOP, "band", told))
    if first.floor is not None:
        at = x.at(first.floor * factor)
        parts.append(svg.line((at, TOP), (at, bottom), "mark"))
        parts.append(svg.text(at + 4, TOP + 9, "floor"))
    return "".join(parts)


def _figure(record: Record, name: str, title: str) -> Plot | None:
    effects = [
        effect
        for arm in arms_of(record, PROXY)
        if (effect := effect_of(record, arm, name)) is not None and effect.added is not None
    ]
    if len(effects) < 2:
        return None
    meant, styles = figure(name), looks(record)
    values = present(v for e in effects for v in (e.added, e.low, e.high, e.floor))
    shown = unit(meant, values)
    x = suited([value * shown.factor for value in values], LEFT, RIGHT)
    bottom = TOP + 18 + len(effects) * STEP
    axis = f"{shown.symbol}{', logarithmic' if x.log else ''}"
    parts = [
        _background(effects, x, shown.factor, bottom),
        x_axis(x, axis, top=TOP, bottom=bottom),
    ]
    for place, effect in enumerate(effects):
        y = TOP + 18 + (place + 0.5) * STEP
        parts.append(_row(effect, y, x, shown.factor, styles[effect.arm]))
    caption = "Median and 95 % interval. Dashed: a plain TCP relay."
    if effects[0].direct is not None and not x.log:
        caption += " Shaded: too small for this run to see."
    key = f"intervals-{name.split('_', maxsplit=1)[0]}"
    return Plot(
        key=key,
        title=title,
        caption=caption,
        svg=svg.drawing(parts, height=bottom + 44, key=key, title=title, desc=caption, width=WIDTH),
        heads=("arm", "added", "95 % interval"),
        rows=tuple((e.arm, shown.text(e.added), shown.interval(e.low, e.high)) for e in effects),
    )


def intervals(record: Record) -> list[Plot]:
    """Return a small plot for each figure at least two proxies have."""
    made = (_figure(record, name, title) for name, title in FIGURES)
    return [one for one in made if one is not None]
