"""A run as a record: rows, effects, distributions, checks, and the facts beside them."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from benchmarks.load.planned import Schedule
from benchmarks.measure import host
from benchmarks.method.checks import INVALID, rule
from benchmarks.method.distributions import histograms
from benchmarks.method.effects import effects, overall
from benchmarks.method.rounds import Played
from benchmarks.report.record import Record


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What a record says about a run beside its figures."""

    command: str
    words: tuple[str, ...] = ()
    seed: int = 0
    workload: str = ""
    facts: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()


def started_now() -> str:
    """Return the present time as records write it."""
    return datetime.now(tz=UTC).isoformat(timespec="seconds")


def workload(schedule: Schedule) -> str:
    """Say what a block holds."""
    return f"{len(schedule.requests)} requests in {schedule.span:g} s: {schedule.origin}"


def account(played: Played, about: Circumstances, *, started: str) -> Record:
    """Return the record of a run.

    An invalid run has its blocks, for whoever looks for the reason, and no figure beyond them.
    """
    arms = [lane.arm for lane in played.lanes]
    found = effects(played.blocks, arms, seed=about.seed)
    ruling = rule(played, found, seed=about.seed)
    usable = ruling.verdict != INVALID
    rejected = sum(1 for row in played.blocks if row.rejected)
    notes = [
        f"ended because: {played.ended}",
        f"{rejected} of {len(played.blocks)} blocks rejected, {played.repeats} measured again",
        played.limits.words(),
        *about.notes,
    ]
    return Record(
        command=about.command,
        words=list(about.words),
        started=started,
        seed=about.seed,
        facts=host.facts() | dict(about.facts),
        workload=about.workload,
        verdict=ruling.verdict,
        checks=ruling.checks,
        arms=arms,
        blocks=played.blocks,
        effects=found if usable else [],
        figures=overall(played.blocks, arms) if usable else {},
        histograms={arm.name: histograms(played.counted(arm.name)) for arm in arms if usable},
        series=_series(played),
        notes=notes,
    )


def _series(played: Played) -> dict[str, dict[str, list[float]]]:
    """Return, over the blocks, what disturbed them: waits, foreign load, stolen time."""
    seen = [one.disturbance for one in played.measured]
    return {
        "interference": {
            "began_s": [row.began_s for row in played.blocks],
            "waited": [one.waited() for one in played.measured],
            "foreign": [one.foreign for one in seen],
            "stolen": [one.stolen for one in seen],
            "pressure": [one.pressure or 0.0 for one in seen],
        }
    }
