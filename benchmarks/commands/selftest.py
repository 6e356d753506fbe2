"""`headrace bench selftest`: whether the instrument measures right on this machine."""

import msgspec

from benchmarks.client.target import Target
from benchmarks.commands import overhead
from benchmarks.commands.attempting import UnmeasurableError, attempt
from benchmarks.commands.outputs import Output, deliver
from benchmarks.load.observed import Trial
from benchmarks.load.workload import Shape, draw
from benchmarks.method import controls
from benchmarks.method.accounts import Circumstances, account, started_now, workload
from benchmarks.method.blocks import Measured
from benchmarks.method.checks import INVALID, VALID
from benchmarks.method.lanes import AGAIN, DIRECT, FLOOR
from benchmarks.method.rounds import Design, Played
from benchmarks.method.session import Session, session
from benchmarks.method.stage import Control, Wanted
from benchmarks.report.progress import Watch
from benchmarks.report.record import Record

DELAYED, BRIEF, BURNING = "relay + 20 ms", "relay + 0.05 ms CPU", "relay + 0.25 ms CPU"
DELAY_MS, BRIEF_US, BURN_US = 20.0, 50.0, 250.0
TRUTHS = (
    controls.Truth(arm=DELAYED, base=FLOOR, delay_ms=DELAY_MS),
    controls.Truth(arm=BURNING, base=BRIEF),
)
SHOWN = {
    AGAIN: {"first_token_p50_ms", "first_token_p99_ms", "token_p50_us", "token_p99_us"},
    DELAYED: {"first_token_p50_ms", "token_p50_us", "token_p99_us"},
    BRIEF: {"cpu_ms_per_1k_tokens"},
    BURNING: {"cpu_ms_per_1k_tokens"},
}
CROWD = Shape(concurrency=250, requests=250, input="32", output="60")
"""Load for the ceiling: 250 streams at once, 25,000 chunks a second."""
CROWDS = 3


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often. Times are seconds.

    Ten rounds, because the whole range of seven values misses the median once in 64 times, which
    is a false alarm at 98.4 %, not at the 99.5 % of `controls.STRICT`.
    """

    rounds: int = 10
    block: float = overhead.BLOCK_S
    max_time: float = 150.0
    engines: int = 2
    seed: int = 1
    pin: str = "auto"
    warm: int = overhead.WARM
    timeout: float = 60.0
    words: tuple[str, ...] = ()
    output: Output = Output()


def main(options: Options) -> int:
    """Test, print and write; return 0, or 4 where the instrument must not be believed."""
    return attempt("selftest", _run(options))


async def _run(options: Options) -> int:
    started = started_now()
    arms = Wanted(
        engines=options.engines,
        controls=(
            Control(name=DELAYED, delay_ms=DELAY_MS),
            Control(name=BRIEF, burn_us=BRIEF_US),
            Control(name=BURNING, burn_us=BURN_US),
        ),
        like=Target(name="", url=""),
    )
    with Watch(quiet=options.output.quiet) as watch:
        watch.say("starting engines and relays")
        async with session(
            arms, pin=options.pin, warm=options.warm, timeout=options.timeout
        ) as made:
            crowded = await _crowded(made, options)
            watch.say(f"measuring what is known already; {made.pins.words()}")
            lanes = len(made.lanes)
            played = await made.play(
                overhead.schedules(_like(options)),
                Design(rounds=options.rounds, max_time=options.max_time, seed=options.seed),
                tell=lambda step: watch.show(overhead.shown(step, lanes)),
            )
            if played.problem:
                raise UnmeasurableError(played.problem)
            facts = made.facts()
    record = judged(played, crowded, options, started=started)
    record.facts |= facts
    return deliver(record, options.output, overhead.trials(played))


def _like(options: Options) -> overhead.Options:
    return overhead.Options(block=options.block, seed=options.seed)


async def _crowded(made: Session, options: Options) -> list[Trial]:
    """Return heavy blocks, for what the client can take at most."""
    direct = [lane for lane in made.lanes if lane.arm.role == DIRECT]
    played = await made.play(
        lambda turn: draw(CROWD, seed=options.seed + turn),
        Design(rounds=CROWDS, max_time=options.max_time, repeats=0, seed=options.seed),
        lanes=direct,
    )
    heavy: list[Measured] = played.measured
    return [one.trial for one in heavy]


def judged(played: Played, crowded: list[Trial], options: Options, *, started: str) -> Record:
    """Return the record of a self-test: its verdict is that on the instrument."""
    about = Circumstances(
        command="selftest",
        words=options.words,
        seed=options.seed,
        workload=workload(overhead.schedules(_like(options))(1)),
        notes=(controls.visible(played.blocks, AGAIN, seed=options.seed),),
    )
    record = account(played, about, started=started)
    counted = [row for row in played.blocks if not row.rejected]
    top = controls.ceiling(crowded)
    answered = next(one for one in record.checks if one.name == "requests answered")
    record.checks = [
        answered,
        controls.same(played.blocks, AGAIN, seed=options.seed),
        controls.control(
            counted, TRUTHS[0], f"a delay of {DELAY_MS:g} ms is found", seed=options.seed
        ),
        controls.control(
            counted,
            TRUTHS[1],
            f"{BURN_US - BRIEF_US:g} us of CPU a chunk are found",
            seed=options.seed,
        ),
        controls.pacing(counted),
        controls.capable(top),
        controls.undisturbed(played),
    ]
    record.effects = [
        one for one in record.effects if one.figure in SHOWN.get(one.arm, frozenset())
    ]
    record.figures["client"] = {"ceiling_chunks_per_s": top}
    record.verdict = VALID if all(one.passed for one in record.checks) else INVALID
    return record
