"""`headrace bench ci`: headrace's CPU per 1,000 tokens held against nginx's, in the same run.

Latencies on a shared machine of a continuous integration say more about the neighbours than about
a change; CPU time says the same within a few percent, and the ratio to a program that has not
changed takes the machine out. A third arm is nginx once more: what it shows against itself is the
noise. The gate closes only when the whole interval of the ratio lies above the budget.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.commands.attempting import UnmeasurableError, attempt
from benchmarks.driver.yardsticks import find_nginx
from benchmarks.load.workload import Shape, draw
from benchmarks.measure import host
from benchmarks.measure.bootstrap import FEWEST, Interval, interval
from benchmarks.method.accounts import started_now
from benchmarks.method.lanes import AGAIN, PROXY, Lane
from benchmarks.method.rounds import Design, Played
from benchmarks.method.session import session
from benchmarks.method.stage import Via, Wanted, own_profile
from benchmarks.report import record_file
from benchmarks.report.record import Arm, Check, Record

FIGURE: Final = "cpu_ms_per_1k_tokens"
HEADRACE, NGINX, NOISE = "headrace", "nginx", "nginx again"
KEPT, EXCEEDED = 0, 3
WARM: Final = 8  # requests before each block; they open its connections
# 60 streams a block of some 64 tokens each: most of the cost is chunks, as it is in use.
SHAPE: Final = Shape(rate=40, arrivals="constant", duration=1.5, input="200", output="64")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured, and what is allowed."""

    budget: float = 1.8
    """How many times nginx's CPU headrace may take. Measured when this was set: 1.6."""
    rounds: int = 8
    max_time: float = 80.0
    """Seconds."""
    seed: int = 1
    json: Path | None = None
    words: tuple[str, ...] = ()


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """The ratios and what follows."""

    ratio: Interval
    noise: Interval | None
    kept: bool


def main(options: Options) -> int:
    """Measure and judge: 0 kept, or no nginx here; 3 exceeded; 4 could not be measured."""
    if find_nginx() is None:
        print("bench ci: skipped, nginx is not installed (Debian: apt-get install nginx-light)")
        return KEPT
    return attempt("ci", _run(options))


async def _run(options: Options) -> int:
    started, profile = started_now(), own_profile()
    wanted = Wanted(
        vias=(Via(name=NGINX), Via(name=HEADRACE)), again=False, floor=False, profile=profile
    )
    async with session(wanted, pin="auto", warm=WARM, timeout=60.0) as bench:
        played = await bench.play(
            lambda turn: draw(SHAPE, seed=options.seed + turn),
            Design(rounds=options.rounds, max_time=options.max_time, repeats=0, seed=options.seed),
            lanes=lanes(bench.lanes),
        )
        if played.problem:
            raise UnmeasurableError(played.problem)
        facts = bench.facts()
    ruling = rule(played, options.budget)
    record = account(played, ruling, options)
    record.started = started
    record.facts |= facts
    if options.json is not None:
        record_file.save(record, options.json)
    print(record.sentence)
    return KEPT if ruling.kept else EXCEEDED


def lanes(built: Sequence[Lane]) -> list[Lane]:
    """Return the lanes of a run: both proxies, and nginx a second time."""
    proxies = [lane for lane in built if lane.arm.role == PROXY]
    twins = [
        msgspec.structs.replace(lane, arm=msgspec.structs.replace(lane.arm, name=NOISE, role=AGAIN))
        for lane in proxies
        if lane.name == NGINX
    ]
    return [*proxies, *twins]


def ratios(played: Played, arm: str) -> list[float]:
    """Return how many times nginx's CPU an arm took, round by round.

    Blocks in which the client had to wait for a CPU count: CPU time does not hold waits.
    """
    values: dict[str, dict[int, float]] = {}
    for row in played.blocks:
        value = row.figures.get(FIGURE)
        if not row.failures and value:
            values.setdefault(row.arm, {})[row.round] = value
    base, mine = values.get(NGINX, {}), values.get(arm, {})
    return [mine[turn] / base[turn] for turn in sorted(set(base) & set(mine))]


def rule(played: Played, budget: float) -> Ruling:
    """Judge a run. Raises UnmeasurableError if too few rounds went undisturbed."""
    ratio = interval(ratios(played, HEADRACE))
    if ratio is None:
        failed = sum(row.failures for row in played.blocks)
        raise UnmeasurableError(
            f"{len(ratios(played, HEADRACE))} rounds are too few for an interval"
            f" ({failed} requests failed); {FEWEST} are needed"
        )
    noise = interval(ratios(played, NOISE))
    return Ruling(ratio=ratio, noise=noise, kept=ratio.low <= budget)


def account(played: Played, ruling: Ruling, options: Options) -> Record:
    """Return the record of a run, with its sentence."""
    ratio, noise = ruling.ratio, ruling.noise
    figures = {lane.name: _median(played, lane.name) for lane in played.lanes}
    figures[HEADRACE] |= {"nginx_ratio": ratio.median}
    against = _shown(noise) if noise is not None else "unknown"
    verdict = "kept" if ruling.kept else "exceeded: the whole interval lies above it"
    sentence = (
        f"CPU per 1,000 tokens: nginx {figures[NGINX][FIGURE]:.1f} ms, headrace"
        f" {figures[HEADRACE][FIGURE]:.1f} ms, {_shown(ratio)} times as much; nginx against itself"
        f" {against}. Budget {options.budget:g}: {verdict}."
    )
    return Record(
        command="ci",
        words=list(options.words),
        seed=options.seed,
        facts=host.facts(),
        checks=[Check(name="within the budget", passed=ruling.kept, detail=sentence)],
        arms=[Arm(name=one.name, role=one.arm.role, url=one.arm.url) for one in played.lanes],
        blocks=played.blocks,
        figures=figures,
        sentence=sentence,
    )


def _shown(one: Interval) -> str:
    return f"{one.median:.2f} [{one.low:.2f} .. {one.high:.2f}]"


def _median(played: Played, arm: str) -> dict[str, float | None]:
    found = [row.figures.get(FIGURE) for row in played.blocks if row.arm == arm]
    values = [value for value in found if value is not None]
    middle = sorted(values)[len(values) // 2] if values else None
    return {FIGURE: middle}
