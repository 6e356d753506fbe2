"""Two runs side by side: what changed, by how much, and whether that is more than chance.

What is compared of each run is a value a round: what an arm added to direct in that round, or what
it used. Rounds of both runs are drawn with replacement, medians taken, subtracted: the middle 95 %
of those differences is the interval (two-sample bootstrap; Efron and Tibshirani 1993, chapter 16).
A difference within either run's resolution is chance as well, whatever its interval says.

Two runs are minutes or months apart. What direct had is taken off latencies round by round, so a
slower machine cancels there; CPU is what it was, and only its ratio to the floor's cancels.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from benchmarks.measure.bootstrap import FEWEST, LEVEL, RESAMPLES
from benchmarks.report.effects import DIRECT, FLOOR, PROXY, arms_of, effect_of, figure_of
from benchmarks.report.figures import Quantity, figure
from benchmarks.report.record import Record

COMPARED: Final = (
    "first_token_p50_ms",
    "first_token_p99_ms",
    "request_path_p50_us",
    "token_p50_us",
    "token_p99_us",
    "ttft_p50_ms",
    "ttft_p99_ms",
    "itl_p50_ms",
    "itl_p99_ms",
    "tpot_p50_ms",
    "e2e_p50_ms",
    "cpu_ms_per_1k_tokens",
    "cpu_us_per_request",
    "rss_mib",
    "tokens_per_s",
    "goodput_share",
)
# Of arms that are compared with direct, these say nothing that the added time does not say better.
WHOLE_TIMES: Final = frozenset(
    {"ttft_p50_ms", "ttft_p99_ms", "itl_p50_ms", "itl_p99_ms", "tpot_p50_ms", "e2e_p50_ms"}
)
TO_FLOOR: Final = ("cpu_ms_per_1k_tokens", "cpu_us_per_request")
SAME: Final = ("cpu", "cores", "kernel", "python")


class CompareError(ValueError):
    """Two records have nothing that could be compared; the message says why."""


class Verdict(StrEnum):
    """What the interval of a change allows to be said."""

    IMPROVED = "improved"
    WORSE = "worse"
    UNCLEAR = "cannot tell"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one arm in both runs, in the record's unit; of a ratio, in none."""

    figure: str
    arm: str
    added: bool
    """Whether the values are what the arm added to direct."""
    to_floor: bool = False
    """Whether they are ratios to the floor's of the same round."""
    before: float
    after: float
    low: float | None = None
    """Without an interval there were too few rounds."""
    high: float | None = None
    resolution: float | None = None
    verdict: Verdict = Verdict.UNCLEAR

    @property
    def change(self) -> float:
        """After less before."""
        return self.after - self.before


def by_round(record: Record, arm: str, name: str) -> dict[int, float]:
    """Return a figure of an arm by round, rejected blocks left out."""
    return {
        block.round: value
        for block in record.blocks
        if block.arm == arm
        and not block.rejected
        and (value := block.figures.get(name)) is not None
    }


def _less(mine: Mapping[int, float], base: Mapping[int, float]) -> list[float]:
    return [value - base[turn] for turn, value in mine.items() if turn in base]


def _over(mine: Mapping[int, float], base: Mapping[int, float]) -> list[float]:
    return [value / base[turn] for turn, value in mine.items() if base.get(turn)]


def values(record: Record, arm: str, name: str) -> tuple[list[float], bool]:
    """Return a value a round, and whether it is what the arm added to direct."""
    mine = by_round(record, arm, name)
    effect = effect_of(record, arm, name)
    base = arms_of(record, DIRECT)
    paired = effect is not None and effect.direct is not None and base and arm != base[0]
    if paired and figure(name).quantity is Quantity.TIME:
        return _less(mine, by_round(record, base[0], name)), True
    return list(mine.values()), False


def difference(
    before: Sequence[float], after: Sequence[float], *, seed: int = 0
) -> tuple[float, float] | None:
    """Return the interval of the difference of medians, after less before; None for too few."""
    if min(len(before), len(after)) < FEWEST:
        return None
    dice = np.random.default_rng(seed)

    def medians(known: Sequence[float]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
        column = np.asarray(known, dtype=np.float64)
        drawn = column[dice.integers(0, len(column), size=(RESAMPLES, len(column)))]
        return np.asarray(np.median(drawn, axis=1))

    apart = medians(after) - medians(before)
    tail = (1 - LEVEL) / 2
    return float(np.quantile(apart, tail)), float(np.quantile(apart, 1 - tail))


def _verdict(change: Change, *, higher_is_better: bool) -> Verdict:
    if change.low is None or change.high is None or change.low <= 0 <= change.high:
        return Verdict.UNCLEAR
    if abs(change.change) < (change.resolution or 0.0):
        return Verdict.UNCLEAR
    better = change.change > 0 if higher_is_better else change.change < 0
    return Verdict.IMPROVED if better else Verdict.WORSE


def _resolution(records: Sequence[Record], arm: str, name: str) -> float | None:
    found = (effect_of(record, arm, name) for record in records)
    known = [one.resolution for one in found if one is not None and one.resolution is not None]
    return max(known, default=None)


def _judged(change: Change, before: Sequence[float], after: Sequence[float]) -> Change:
    found = difference(before, after)
    if found is None:
        return change
    whole = msgspec.structs.replace(change, low=found[0], high=found[1])
    meant = figure(change.figure)
    verdict = _verdict(whole, higher_is_better=meant.higher_is_better)
    return msgspec.structs.replace(whole, verdict=verdict)


def _change(records: tuple[Record, Record], arm: str, name: str) -> Change | None:
    (before, added), (after, added_after) = (values(one, arm, name) for one in records)
    wholes = [figure_of(one, arm, name) for one in records]
    if added != added_after:
        return None
    if before and after:
        middle = [float(np.median(before)), float(np.median(after))]
    elif wholes[0] is not None and wholes[1] is not None:
        middle, added = [wholes[0], wholes[1]], False
    else:
        return None
    bare = Change(
        figure=name,
        arm=arm,
        added=added,
        before=middle[0],
        after=middle[1],
        resolution=_resolution(records, arm, name) if added else None,
    )
    return _judged(bare, before, after)


def _to_floor(records: tuple[Record, Record], arm: str, name: str) -> Change | None:
    floors = [arms_of(one, FLOOR) for one in records]
    if not all(floors) or arm in floors[0]:
        return None
    before, after = (
        _over(by_round(one, arm, name), by_round(one, floor[0], name))
        for one, floor in zip(records, floors, strict=True)
    )
    if not before or not after:
        return None
    bare = Change(
        figure=name,
        arm=arm,
        added=False,
        to_floor=True,
        before=float(np.median(before)),
        after=float(np.median(after)),
    )
    return _judged(bare, before, after)


def changes(before: Record, after: Record) -> list[Change]:
    """Return every figure that arms of one name have in both records. Raises CompareError."""
    if before.command != after.command:
        raise CompareError(
            f"one is a result of `{before.command}`, the other of `{after.command}`: "
            "their figures mean different things"
        )
    mine = arms_of(before, PROXY) or arms_of(before, DIRECT)
    shared = [arm for arm in mine if arm in {one.name for one in after.arms}]
    if not shared:
        there = ", ".join(arms_of(after, PROXY) or arms_of(after, DIRECT)) or "none"
        raise CompareError(
            f"no arm stands in both: {', '.join(mine) or 'none'} in the first, "
            f"{there} in the second"
        )
    records, found = (before, after), []
    for arm in shared:
        paired = bool(arms_of(before, PROXY)) and bool(before.effects)
        for name in COMPARED:
            if paired and name in WHOLE_TIMES:
                continue
            found.append(_change(records, arm, name))
            if name in TO_FLOOR:
                found.append(_to_floor(records, arm, name))
    kept = [one for one in found if one is not None]
    if not kept:
        raise CompareError("no figure stands in both")
    return kept


def remarks(before: Record, after: Record) -> list[str]:
    """Return what besides the subject differs between the runs."""
    told = []
    for name in SAME:
        old, new = before.facts.get(name), after.facts.get(name)
        if old and new and old != new:
            told.append(f"{name} differs: {old}, then {new}")
    if before.workload != after.workload:
        told.append(f"workload differs: {before.workload}, then {after.workload}")
    for record, word in ((before, "first"), (after, "second")):
        if record.verdict != "valid":
            told.append(f"the {word} run is {record.verdict}")
    if not before.blocks or not after.blocks:
        told.append("a run of one block has no spread: nothing can be told from chance")
    return told
