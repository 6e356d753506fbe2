"""The figures that stand at the head of the page, large."""

import msgspec

from benchmarks.report.amounts import amount, unit
from benchmarks.report.effects import (
    DIRECT,
    PROXY,
    Standing,
    arms_of,
    effect_of,
    figure_of,
    standing,
)
from benchmarks.report.figures import figure
from benchmarks.report.record import Effect, Record

ENDPOINT = (
    ("ttft_p50_ms", "first token, half of the users within"),
    ("ttft_p99_ms", "first token, 99 of 100 within"),
    ("itl_p50_ms", "between tokens, median"),
    ("tokens_per_s", "throughput, tokens"),
    ("goodput_share", "answers within the limits"),
)
ADDED = (("first_token_p50_ms", "to the first token"), ("token_p50_us", "to each token"))


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. `css` colours it like its arm in the plots."""

    title: str
    value: str
    under: str = ""
    css: str = ""


def _added(effect: Effect, title: str, css: str) -> Card:
    meant = figure(effect.figure)
    shown = unit(meant, [effect.added, effect.low, effect.high])
    under = f"95 % interval {shown.interval(effect.low, effect.high)}"
    match standing(effect):
        case Standing.UNSEEN if effect.resolution is not None:
            value = f"below {amount(meant, effect.resolution)}"
            under = f"less than this run can see; {under}"
        case Standing.UNSEEN:
            value = "not seen"
        case _:
            value = shown.text(effect.added, signed=True)
    floor = f"; a plain relay {shown.text(effect.floor, signed=True)}" if effect.floor else ""
    return Card(title=title, value=value, under=under + floor, css=css)


def _used(record: Record, arm: str, css: str) -> Card | None:
    effect = effect_of(record, arm, "cpu_ms_per_1k_tokens")
    if effect is None or not effect.value:
        return None
    meant = figure(effect.figure)
    shown = unit(meant, [effect.value])
    return Card(
        title=f"{arm}: CPU per 1 k tokens",
        value=shown.text(effect.value),
        under=f"one core carries {1e6 / effect.value:,.0f} tokens/s",
        css=css,
    )


def cards(record: Record) -> list[Card]:
    """Return what the first proxy adds; without any, what the endpoint did."""
    made: list[Card] = []
    for arm in arms_of(record, PROXY)[:1]:
        css = "a-0"
        for name, where in ADDED:
            effect = effect_of(record, arm, name)
            if effect is not None and standing(effect) is not Standing.UNKNOWN:
                made.append(_added(effect, f"{arm} adds {where}", css))
        used = _used(record, arm, css)
        made += [used] if used is not None else []
    if made or not arms_of(record, DIRECT):
        return made
    arm = arms_of(record, DIRECT)[0]
    for name, title in ENDPOINT:
        value = figure_of(record, arm, name)
        if value is not None:
            made.append(Card(title=title, value=amount(figure(name), value), css="a-0"))
    return made
