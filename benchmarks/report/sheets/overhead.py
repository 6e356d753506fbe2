"""The table of what proxies add: one row a figure, one column group a proxy.

A single proxy gets its columns side by side; several share the table with two lines a cell, so that
five of them still fit a terminal.
"""

from collections.abc import Sequence
from typing import Final

from benchmarks.report.amounts import MISSING, Unit, unit
from benchmarks.report.effects import (
    DIRECT,
    PROXY,
    Standing,
    arms_of,
    effect_of,
    figure_of,
    measured,
    standing,
)
from benchmarks.report.figures import Figure, figure
from benchmarks.report.record import Effect, Record
from benchmarks.report.sheet import Cell, Grid, Tone, cell

ROWS: Final = (
    "first_token_p50_ms",
    "first_token_p99_ms",
    "request_path_p50_us",
    "token_p50_us",
    "token_p99_us",
    "cpu_ms_per_1k_tokens",
    "cpu_us_per_request",
    "rss_mib",
    "kib_per_stream",
    "tokens_per_s",
    "requests_per_s",
    "lost",
    "duplicated",
    "segments_per_chunk",
)
# What the added time of a row is a share of, for the user: figure and words.
USER_TIME: Final = {
    "first_token": ("ttft_p50_ms", "TTFT"),
    "token": ("itl_p50_ms", "ITL"),
}
# Rows that direct has as a matter of course, but where a difference says nothing by itself.
UNPAIRED: Final = frozenset(
    {"lost", "duplicated", "segments_per_chunk", "rss_mib", "tokens_per_s", "requests_per_s"}
)
FLOOR_NOTE: Final = (
    "* floor: a plain TCP relay on this machine; no proxy in user space can be below it"
)


def _row_unit(meant: Figure, effects: Sequence[Effect], direct: float | None) -> Unit:
    values = [direct]
    for effect in effects:
        values += [effect.value, effect.added]
        if effect.low is not None and effect.high is not None:
            values.append(effect.high - effect.low)
    return unit(meant, values)


def shown_added(effect: Effect, shown: Unit) -> Cell:
    """Return the difference as a cell; one too small to be seen is named by its bound."""
    found = standing(effect)
    interval = shown.interval(effect.low, effect.high)
    if found is Standing.UNKNOWN:
        return cell(MISSING, tone=Tone.DIM)
    if found is Standing.UNSEEN:
        bound = effect.resolution
        if bound is None or abs(effect.added or 0.0) >= bound:
            return cell("not seen", interval, Tone.DIM)
        return cell(f"below {shown.text(bound)}", interval, Tone.DIM)
    return cell(shown.text(effect.added, signed=True), interval, Tone.STRONG)


def _of_core(name: str, effect: Effect) -> str:
    if name != "cpu_ms_per_1k_tokens" or not effect.value:
        return ""
    return f"1 core = {1e6 / effect.value / 1e3:,.0f} k tokens/s"


def _of_user_time(record: Record, meant: Figure, effect: Effect) -> str:
    """Return what share of the time a user waits anyway the addition is."""
    stem = meant.name.split("_p")[0]
    if stem not in USER_TIME or standing(effect) in {Standing.UNSEEN, Standing.UNKNOWN}:
        return _of_core(meant.name, effect)
    whole_name, word = USER_TIME[stem]
    whole = figure_of(record, arms_of(record, DIRECT)[0], whole_name)
    if not whole or effect.added is None:
        return ""
    base = figure(whole_name)
    share = effect.added * meant.base / (whole * base.base)
    shown = unit(base, [whole])
    return f"{share * 100:.1f} % of {shown.text(whole)} {word}"


def _effect(record: Record, arm: str, name: str) -> Effect:
    """Return the effect, or the arm's own figure dressed as one that adds nothing known."""
    found = effect_of(record, arm, name)
    own = figure_of(record, arm, name)
    if found is None or name in UNPAIRED:
        value = found.value if found is not None and found.value is not None else own
        return Effect(
            figure=name, arm=arm, direct=None, value=value, added=None, low=None, high=None
        )
    return found


def _single(record: Record, name: str, arm: str, direct: float | None) -> tuple[Cell, ...]:
    meant, effect = figure(name), _effect(record, arm, name)
    shown = _row_unit(meant, [effect], direct)
    if effect.direct is None:  # used, not added: CPU and memory have no direct side
        added = cell("")
        interval = shown.interval(effect.low, effect.high)
    else:
        both = shown_added(effect, shown)
        added, interval = cell(both.text, tone=both.tone), both.under
    return (
        cell(meant.label),
        cell(shown.text(direct), tone=Tone.DIM if direct is None else Tone.PLAIN),
        cell(shown.text(effect.value)),
        added,
        cell(interval),
        cell(
            shown.text(effect.floor, signed=effect.direct is not None)
            if effect.floor is not None
            else ""
        ),
        cell(_of_user_time(record, meant, effect)),
    )


def _group(effect: Effect, shown: Unit) -> Cell:
    """Return a proxy's cell beside others: the value, and below it what it adds."""
    value = shown.text(effect.value)
    if effect.value is None:
        return cell(MISSING, tone=Tone.DIM)
    if effect.direct is None:
        return cell(value, shown.interval(effect.low, effect.high))
    added = shown_added(effect, shown)
    if added.tone is Tone.DIM:
        return cell(value, f"{added.text} {added.under}".strip())
    return cell(value, f"{shown.number(effect.added, signed=True)} {added.under}")


def _several(
    record: Record, name: str, arms: Sequence[str], direct: float | None
) -> tuple[Cell, ...]:
    meant = figure(name)
    effects = [_effect(record, arm, name) for arm in arms]
    shown = _row_unit(meant, effects, direct)
    floor = next((effect.floor for effect in effects if effect.floor is not None), None)
    paired = any(effect.direct is not None for effect in effects)
    return (
        cell(meant.label),
        cell(shown.text(direct), tone=Tone.DIM if direct is None else Tone.PLAIN),
        *(_group(effect, shown) for effect in effects),
        cell(shown.text(floor, signed=paired) if floor is not None else ""),
    )


def _direct(record: Record, name: str, arms: Sequence[str]) -> float | None:
    """Return what direct had: from the pairs, which are the blocks the differences come from."""
    paired = (effect_of(record, arm, name) for arm in arms)
    known = next((e.direct for e in paired if e is not None and e.direct is not None), None)
    if known is not None:
        return known
    base = arms_of(record, DIRECT)
    return figure_of(record, base[0], name) if base and figure(name).name in UNPAIRED else None


def overhead(record: Record) -> Grid | None:
    """Return the table; None if no proxy was measured against direct."""
    arms = arms_of(record, PROXY)
    names = measured(record, ROWS)
    if not arms or not names or not arms_of(record, DIRECT):
        return None
    heads: tuple[str, ...]
    if len(arms) == 1:
        heads = ("", "direct", arms[0], "added", "95 % interval", "floor*", "share of user time")
        rows = [_single(record, name, arms[0], _direct(record, name, arms)) for name in names]
    else:
        heads = ("", "direct", *arms, "floor*")
        rows = [_several(record, name, arms, _direct(record, name, arms)) for name in names]
    notes = [] if len(arms) == 1 else ["below each value: what it adds [95 % interval]"]
    floored = any(effect.floor is not None for effect in record.effects)
    if not floored:
        heads, rows = _without(heads, rows, heads.index("floor*"))
    return Grid(heads=heads, rows=tuple(rows), notes=(*notes, *([FLOOR_NOTE] if floored else [])))


def _without(
    heads: tuple[str, ...], rows: Sequence[tuple[Cell, ...]], place: int
) -> tuple[tuple[str, ...], list[tuple[Cell, ...]]]:
    """Return heads and rows without one column."""
    return (
        heads[:place] + heads[place + 1 :],
        [row[:place] + row[place + 1 :] for row in rows],
    )
