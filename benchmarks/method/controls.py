"""Whether the instrument measures right: arms whose truth is known, held against that truth.

Direct against itself must show nothing. A relay that holds every piece back for a known time, and
one that computes for a known time, must show that time within `TOLERANCE`. The delay is held
against the plain relay. A long burn is held against a short one: whoever computes for each piece
runs a few us colder in its own code and draws bursts apart, 5 to 17 us a piece whether it computes
for 50 us or 400 (measured), and this constant is no error of the clock.
Every condition here is one of the machine and the instrument; no proxy takes part.
"""

from collections.abc import Sequence
from statistics import median

import msgspec

from benchmarks.load.observed import Trial
from benchmarks.measure.bootstrap import FEWEST, Interval, interval
from benchmarks.method import effects
from benchmarks.method.blocks import BURNED
from benchmarks.method.figures import SECOND
from benchmarks.method.rounds import Played
from benchmarks.report.record import Block, Check

TOLERANCE = 0.05
STRICT = 0.995
"""Level for direct against itself: at 95 % two figures would give a false alarm in 10 % of runs."""
LAG_MS = 1.0
"""How late 99 of 100 requests may be sent, in half of the blocks."""
ENOUGH_CHUNKS = 30_000
"""Chunks a second one client process must take."""
HEADLINE = (("first_token_p50_ms", "ms to first token"), ("token_p50_us", "us per token"))
SEEN = (*HEADLINE, ("token_p99_us", "us per token at p99"))


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What a control adds to another arm, by construction.

    With `delay_ms` it is this time. Without, both burn CPU and note how much: it is what `arm` has
    noted beyond `base`.
    """

    arm: str
    base: str
    delay_ms: float = 0.0


def recovered(rows: Sequence[Block], truth: Truth) -> list[float]:
    """Return, round by round, which share of the known effect was measured; 1 is all of it."""
    if truth.delay_ms:
        found = effects.differences(rows, truth.arm, truth.base, "token_p50_us")
        return [added / 1000 / truth.delay_ms for added in found]
    used = [effects.by_round(rows, arm, "cpu_ms_per_1k_tokens") for arm in (truth.arm, truth.base)]
    noted = [effects.by_round(rows, arm, BURNED) for arm in (truth.arm, truth.base)]
    turns = sorted(set.intersection(*(set(known) for known in used + noted)))
    known = {turn: noted[0][turn] - noted[1][turn] for turn in turns}
    return [(used[0][turn] - used[1][turn]) / known[turn] for turn in turns if known[turn] > 0]


def control(rows: Sequence[Block], truth: Truth, name: str, *, seed: int = 0) -> Check:
    """Return whether a known effect was recovered."""
    found = interval(recovered(rows, truth), seed=seed)
    if found is None:
        return Check(name=name, passed=False, detail=f"fewer than {FEWEST} undisturbed rounds")
    return Check(
        name=name,
        passed=abs(found.median - 1) <= TOLERANCE,
        detail=(
            f"measured {found.median:.1%} of it [{found.low:.1%} .. {found.high:.1%}], "
            f"{1 - TOLERANCE:.0%} to {1 + TOLERANCE:.0%} are right"
        ),
    )


def same(rows: Sequence[Block], arm: str, *, seed: int = 0) -> Check:
    """Return whether direct shows no difference to itself."""
    told, passed = [], True
    for figure, words in HEADLINE:
        found = interval(effects.differences(rows, arm, "direct", figure), seed=seed, level=STRICT)
        if found is None:
            return Check(
                name="the same gives the same",
                passed=False,
                detail=f"fewer than {FEWEST} undisturbed rounds",
            )
        passed = passed and found.holds(0.0)
        told.append(_interval_words(found, words))
    detail = f"direct against itself, at {STRICT:.1%}: {', '.join(told)}"
    return Check(name="the same gives the same", passed=passed, detail=detail)


def _interval_words(found: Interval, words: str) -> str:
    return f"{found.median:+.2f} [{found.low:+.2f} .. {found.high:+.2f}] {words}"


def pacing(rows: Sequence[Block]) -> Check:
    """Return whether requests were sent when they were meant to be."""
    lags = [v for row in rows if (v := row.figures.get("send_lag_p99_ms")) is not None]
    late = median(lags) if lags else float("inf")
    return Check(
        name="requests are sent in time",
        passed=late <= LAG_MS,
        detail=(
            f"99 of 100 at most {late:.2f} ms late in half of the blocks; {LAG_MS:g} ms are right"
        ),
    )


def ceiling(trials: Sequence[Trial]) -> float | None:
    """Return the chunks a second one client process could take, by its CPU time at heavy load."""
    rates = [
        sum(one.chunks for one in trial.observed) / trial.client.ran_ns * SECOND
        for trial in trials
        if trial.client.ran_ns
    ]
    return median(rates) if rates else None


def capable(chunks_per_s: float | None) -> Check:
    """Return whether the client is fast enough."""
    found = chunks_per_s or 0.0
    return Check(
        name="the client is fast enough",
        passed=found >= ENOUGH_CHUNKS,
        detail=f"{found:,.0f} chunks a second from one core; {ENOUGH_CHUNKS:,} are right",
    )


def undisturbed(played: Played) -> Check:
    """Return whether others left the machine alone, in words and numbers."""
    rejected = sum(1 for row in played.blocks if row.rejected)
    seen = [one.disturbance for one in played.measured]
    pressures = [one.pressure for one in seen if one.pressure is not None]
    told = [
        f"{rejected} of {len(played.blocks)} blocks disturbed",
        f"others used {median(one.foreign for one in seen):.2f} CPUs" if seen else "",
        f"the hypervisor took {median(one.stolen for one in seen):.2f}" if seen else "",
        f"somebody waited for a CPU {median(pressures):.0%} of the time" if pressures else "",
    ]
    return Check(
        name="the machine is calm enough",
        passed=rejected * 2 <= len(played.blocks),
        detail=", ".join(word for word in told if word),
    )


def visible(rows: Sequence[Block], arm: str, *, seed: int = 0) -> str:
    """Say from which size on a difference can be seen here."""
    told = []
    for figure, words in SEEN:
        found = effects.added(rows, arm, figure, seed=seed)
        if found is not None:
            told.append(f"{found.reach:.3g} {words}")
    return f"a difference can be seen from {', '.join(told)} on" if told else ""
