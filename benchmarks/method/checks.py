"""Whether a run may be believed: conditions in words, and the verdict they add up to.

A run is invalid if the instrument or the endpoint was broken: then its figures must not be used,
not even as a hint. It is unresolved if all was well and the difference is smaller than what direct
shows against itself: then there is a bound, and no number.
"""

from collections.abc import Sequence
from statistics import median

import msgspec

from benchmarks.measure.bootstrap import FEWEST
from benchmarks.method import effects
from benchmarks.method.lanes import AGAIN, DIRECT, PROXY
from benchmarks.method.rounds import Played
from benchmarks.report.effects import Standing, standing
from benchmarks.report.record import Block, Check, Effect

FAILED_SHARE = 0.01
BUSY_SHARE = 0.7
"""Of one CPU: a client busier than this queues its own work."""
HEADLINE = ("first_token_p50_ms", "token_p50_us", "ttft_p50_ms", "e2e_p50_ms")
"""What the verdict looks at: the first two where engines stamp, else the others."""
VALID, UNRESOLVED, INVALID = "valid", "unresolved", "invalid"


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict and what it rests on."""

    verdict: str
    checks: list[Check]


def _pairs(played: Played) -> Check:
    """Pass if every arm has enough rounds in which it and direct were both undisturbed."""
    turns: dict[str, set[int]] = {
        lane.name: {one.round for one in played.counted(lane.name)} for lane in played.lanes
    }
    direct = next((turns[lane.name] for lane in played.lanes if lane.arm.role == DIRECT), None)
    short = [
        f"{lane.name} has {len(both)}"
        for lane in played.lanes
        if len(both := turns[lane.name] & (turns[lane.name] if direct is None else direct)) < FEWEST
    ]
    detail = (
        f"an interval needs {FEWEST} rounds with undisturbed blocks on both sides; "
        f"{', '.join(short)}"
    )
    return Check(name="enough rounds", passed=not short, detail=detail if short else "")


def _failures(played: Played) -> Check:
    told = []
    for lane in played.lanes:
        blocks = played.counted(lane.name)
        rows = [one for block in blocks for one in block.trial.observed]
        failed = [one.failure for one in rows if one.failure]
        if len(failed) > FAILED_SHARE * len(rows):
            told.append(f"{lane.name}: {len(failed)} of {len(rows)}, the first: {failed[0]}")
    return Check(name="requests answered", passed=not told, detail="; ".join(told))


def _answers(played: Played) -> Check:
    """Pass if every arm brought tokens at all."""
    silent = [
        lane.name
        for lane in played.lanes
        if (mine := played.counted(lane.name))
        and not any(one.chunks or one.tokens_out for block in mine for one in block.trial.observed)
    ]
    return Check(
        name="answers hold tokens",
        passed=not silent,
        detail=f"no answer of {', '.join(silent)} had a token in it" * bool(silent),
    )


def _client(played: Played) -> Check:
    shares = [
        share
        for lane in played.lanes
        for one in played.counted(lane.name)
        if (share := one.figures["client_cpu_share"]) is not None
    ]
    share = median(shares) if shares else 0.0
    return Check(
        name="the client kept up",
        passed=share <= BUSY_SHARE,
        detail=f"it used {share:.0%} of a CPU; over {BUSY_SHARE:.0%} it would time itself",
    )


def _calm(rows: Sequence[Block]) -> Check:
    disturbed = sum(1 for row in rows if row.rejected)
    return Check(
        name="the machine was calm enough",
        passed=disturbed * 2 <= len(rows),
        detail=f"{disturbed} of {len(rows)} blocks were disturbed by other work",
    )


def _intact(played: Played) -> Check:
    told = []
    for lane in played.lanes:
        seen = [one for block in played.counted(lane.name) for one in block.trial.observed]
        lost, twice = sum(one.lost for one in seen), sum(one.duplicated for one in seen)
        if lost or twice:
            told.append(f"{lane.name}: {lost} tokens lost, {twice} twice")
    return Check(name="streams arrived whole", passed=not told, detail="; ".join(told))


def _again(played: Played, seed: int) -> Check | None:
    again = next((lane.name for lane in played.lanes if lane.arm.role == AGAIN), None)
    if again is None:
        return None
    told, passed = [], True
    for figure, unit in (("first_token_p50_ms", "ms"), ("token_p50_us", "us")):
        found = effects.added(played.blocks, again, figure, seed=seed)
        if found is None:
            continue
        title = figure.removesuffix(f"_{unit}").replace("_", " ")
        told.append(f"{title} {found.median:+.2f} {unit} [{found.low:+.2f} .. {found.high:+.2f}]")
        proxies = [one.name for one in played.lanes if one.arm.role == PROXY]
        others = [effects.added(played.blocks, name, figure, seed=seed) for name in proxies]
        least = min((abs(one.median) for one in others if one is not None), default=0.0)
        passed = passed and (found.holds(0.0) or 2 * found.reach <= least)
    detail = f"direct measured against itself: {', '.join(told)}" if told else ""
    return Check(name="the same gives the same", passed=passed, detail=detail)


def _seen(found: Sequence[Effect], arms: Sequence[str]) -> Check:
    unseen = []
    for arm in arms:
        mine = [one for one in found if one.arm == arm and one.figure in HEADLINE]
        stamped = [one for one in mine if one.figure in HEADLINE[:2]]
        looked = [standing(one) for one in stamped or mine]
        if looked and all(one in {Standing.UNSEEN, Standing.UNKNOWN} for one in looked):
            unseen.append(arm)
    detail = f"what {', '.join(unseen)} adds is below what this run can see" * bool(unseen)
    return Check(name="the difference can be seen", passed=not unseen, detail=detail)


def rule(played: Played, found: Sequence[Effect], *, seed: int = 0) -> Ruling:
    """Return the verdict on a run with its effects."""
    fatal = [
        _pairs(played),
        _failures(played),
        _answers(played),
        _client(played),
        _calm(played.blocks),
    ]
    again = _again(played, seed)
    proxies = [lane.name for lane in played.lanes if lane.arm.role == PROXY]
    soft = [one for one in (again, _seen(found, proxies)) if one is not None]
    verdict = VALID
    if not all(one.passed for one in soft):
        verdict = UNRESOLVED
    if not all(one.passed for one in fatal):
        verdict = INVALID
    return Ruling(verdict=verdict, checks=[*fatal, *soft, _intact(played)])
