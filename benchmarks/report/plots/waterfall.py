"""Where the time to the first token goes: the way there, the engine, the way back."""

from typing import Final

from benchmarks.report.amounts import unit
from benchmarks.report.effects import DIRECT, FLOOR, PROXY, arms_of, figure_of
from benchmarks.report.figures import figure
from benchmarks.report.plots import svg
from benchmarks.report.plots.axes import LEFT, RIGHT
from benchmarks.report.plots.plot import Plot, missing
from benchmarks.report.record import Record

LABELS: Final = 110.0
ENGINE_WIDTH: Final = 130.0
BAR: Final = 26.0
STEP: Final = 46.0
Parts = tuple[float, float, float, float]


def _parts(record: Record, arm: str) -> Parts | None:
    """Return request path, queue, prefill and response path in ms; None without stamps.

    They are taken from medians, so their sum is the median TTFT only nearly. An engine that does
    not tell its queue from its prefill gives both as prefill.
    """
    outside = figure_of(record, arm, "first_token_p50_ms")
    there = figure_of(record, arm, "request_path_p50_us")
    whole = figure_of(record, arm, "ttft_p50_ms")
    if outside is None or there is None or whole is None:
        return None
    queue = figure_of(record, arm, "engine_queue_p50_ms") or 0.0
    request = there / 1000
    engine = max(0.0, whole - outside)
    return request, min(queue, engine), max(0.0, engine - queue), max(0.0, outside - request)


def _bar(arm: str, y: float, parts: Parts, scale: float) -> str:
    request, queue, prefill, response = parts
    left = LEFT + LABELS - 44
    first, last = request * scale, response * scale
    shown = unit(figure("part_ms"), [request, response])
    engine = unit(figure("part_ms"), [queue + prefill])
    engine_x = left + first
    words = f"engine {engine.text(queue + prefill)}"
    mark = [
        svg.text(left - 8, y + 18, arm, "t k", "end"),
        svg.rect(left, y, first, BAR, "w-there", f"request path {shown.text(request)}"),
        svg.rect(engine_x, y, ENGINE_WIDTH, BAR, "w-engine", words),
        svg.text(engine_x + ENGINE_WIDTH / 2, y + 17, words, "t", "middle"),
        svg.rect(
            engine_x + ENGINE_WIDTH, y, last, BAR, "w-back", f"response path {shown.text(response)}"
        ),
        svg.text(
            engine_x + ENGINE_WIDTH + last + 6,
            y + 17,
            f"{shown.number(request)} + {shown.text(response)}",
        ),
    ]
    if queue:
        share = ENGINE_WIDTH * queue / (queue + prefill)
        told = f"queue {engine.text(queue)}"
        mark.insert(3, svg.rect(engine_x, y, share, BAR, "w-queue", told))
    return "".join(mark)


def _key(y: float) -> str:
    left, parts = LEFT + LABELS - 44, []
    for css, words, wide in (
        ("w-there", "request path", 110.0),
        ("w-engine", "engine, not to scale", 155.0),
        ("w-back", "response path of the first token", 0.0),
    ):
        parts.append(svg.rect(left, y, 14, 12, css))
        parts.append(svg.text(left + 19, y + 10, words, "t k"))
        left += wide
    return "".join(parts)


def waterfall(record: Record, key: str = "waterfall") -> Plot:
    """Return a bar an arm; the engine's part has one width everywhere, the rest is to scale."""
    title = "Where the time to the first token goes"
    arms = arms_of(record, DIRECT, FLOOR, PROXY)
    found = {arm: parts for arm in arms if (parts := _parts(record, arm)) is not None}
    if not found:
        return missing(key, title, "It needs an engine that stamps when it took a request.")
    longest = max(request + response for request, _, _, response in found.values())
    room = RIGHT - LEFT - LABELS + 44 - ENGINE_WIDTH - 110
    scale = room / longest if longest else 0.0
    drawn = [_key(10)]
    rows = []
    for place, (arm, parts) in enumerate(found.items()):
        drawn.append(_bar(arm, 44 + place * STEP, parts, scale))
        cells = (f"{value:.3f} ms" for value in parts)
        rows.append((arm, *cells))
    caption = (
        "Medians. The engine's share is the same for every arm and cut short here; what differs "
        "between arms is the way there and the way back."
    )
    return Plot(
        key=key,
        title=title,
        caption=caption,
        svg=svg.drawing(drawn, height=60 + len(found) * STEP, key=key, title=title, desc=caption),
        heads=("arm", "request path", "engine queue", "engine prefill", "response path"),
        rows=tuple(rows),
    )
