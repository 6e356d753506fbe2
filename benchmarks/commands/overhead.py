"""`headrace bench overhead`: what a proxy costs, beside direct and beside a plain TCP relay."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from benchmarks.client.target import EndpointError, Stamp, Target
from benchmarks.commands.attempting import UnmeasurableError, attempt
from benchmarks.commands.outputs import Output, deliver
from benchmarks.fake.profile import Stamps
from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule
from benchmarks.load.workload import Shape, draw
from benchmarks.method.accounts import Circumstances, account, started_now, workload
from benchmarks.method.checks import INVALID
from benchmarks.method.holding import Weight, weigh
from benchmarks.method.rounds import PRECISE, Design, Played, Step
from benchmarks.method.session import Session, session
from benchmarks.method.stage import STARTED, Via, Wanted, via_of
from benchmarks.report import progress
from benchmarks.report.record import Record

SHAPE = Shape(rate=50.0, input="128", output="48")
"""About 25 streams at a time and 2,400 tokens a second: a small team on one engine."""
BLOCK_S, MAX_TIME_S, ROUNDS = 1.0, 60.0, 12
"""A table within 90 s on two CPUs, starting and ending everything included."""
WARM = 24


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to compare and how. Times are seconds."""

    direct: tuple[str, ...] = ()
    """URLs of the engines; none: simulated ones are started."""
    via: tuple[str, ...] = ()
    """`NAME=URL`, or headrace, nginx, envoy, haproxy to have it started; none: headrace."""
    via_pid: tuple[tuple[str, int], ...] = ()
    aa: bool = True
    floor: bool = True
    engines: int = 2
    like: Target = Target(name="", url="")
    """API, model, headers and key of all arms."""
    stamp: Stamp | None = None
    """None: found out by asking; for engines started here, in a field."""
    shape: Shape = SHAPE
    block: float = BLOCK_S
    """How long a block lasts, where the shape does not say."""
    rounds: int = ROUNDS
    precision: float | None = None
    """Half width of the interval of a token's added time, in seconds, at which to stop."""
    max_time: float | None = None
    """None: `MAX_TIME_S`, and a quarter of it for each arm beyond four."""
    seed: int = 1
    pin: str = "auto"
    warm: int = WARM
    timeout: float = 60.0
    words: tuple[str, ...] = ()
    output: Output = Output()


def wanted(options: Options) -> Wanted:
    """Return the arms the options ask for. Raises EndpointError for words that make no sense."""
    pids = dict(options.via_pid)
    vias = tuple(
        msgspec.structs.replace(via, pids=(pids[via.name],)) if via.name in pids else via
        for via in (via_of(word) for word in options.via)
    )
    if not options.direct and any(via.url for via in vias):
        raise EndpointError(
            "--via with a URL needs --direct URL, the engine behind that proxy; without --direct"
            f" simulated engines are started, and of proxies {', '.join(STARTED)} can be."
        )
    if options.direct and not vias:
        raise EndpointError("--direct needs --via NAME=URL: which proxy shall be compared with it?")
    unknown = sorted(pids.keys() - {via.name for via in vias})
    if unknown:
        raise EndpointError(f"--via-pid {unknown[0]}=...: there is no --via of that name.")
    stamps = Stamps.FIELD if options.stamp is None else Stamps(options.stamp.value)
    return Wanted(
        direct=options.direct,
        vias=vias or (Via(name="headrace"),),
        again=options.aa,
        floor=options.floor,
        engines=options.engines,
        stamps=stamps,
        like=options.like,
    )


def schedules(options: Options) -> Callable[[int], Schedule]:
    """Return what draws the schedule of a round; round 0 warms up, half as long as the others."""
    shape = options.shape
    if shape.duration is None and shape.requests is None:
        shape = msgspec.structs.replace(shape, duration=options.block)

    def of_round(turn: int) -> Schedule:
        own = shape
        if turn == 0 and shape.duration is not None:
            own = msgspec.structs.replace(shape, duration=shape.duration / 2)
        return draw(own, seed=options.seed * 10_007 + turn)

    return of_round


def main(options: Options) -> int:
    """Measure, print and write; return the exit code: 0, 2, 3 or 4."""
    return attempt("overhead", _run(options))


async def _run(options: Options) -> int:
    started, of_round = started_now(), schedules(options)
    of_round(1)  # words that make no sense are told before anything is started
    arms = wanted(options)
    with progress.Watch(quiet=options.output.quiet) as watch:
        watch.say("starting engines and proxies")
        async with session(
            arms, pin=options.pin, warm=options.warm, timeout=options.timeout
        ) as made:
            watch.say(
                f"measuring {', '.join(lane.name for lane in made.lanes)}; {made.pins.words()}"
            )
            lanes = len(made.lanes)
            played = await made.play(
                of_round, design(options, lanes), tell=lambda step: watch.show(shown(step, lanes))
            )
            if played.problem:
                raise UnmeasurableError(played.problem)
            watch.say("holding streams open, to weigh them")
            weights, problems = await weigh(made.lanes, made.stage.ports)
            about = _circumstances(options, made)
    record = weighed(account(played, about, started=started), weights, problems)
    return deliver(record, options.output, trials(played))


def design(options: Options, lanes: int) -> Design:
    """Return how many rounds of so many lanes, and for how long."""
    precision, shape = options.precision, options.shape
    even = shape.arrivals in {"", "poisson", "constant"}
    return Design(
        rounds=options.rounds,
        max_time=options.max_time or MAX_TIME_S * max(1.0, lanes / 4),
        precision_us=precision * 1e6 if precision is not None else None,
        uneven=not even or bool(shape.preset or shape.ramp or shape.idle_gap),
        seed=options.seed,
    )


def weighed(record: Record, weights: Mapping[str, Weight], notes: Sequence[str]) -> Record:
    """Add the weights of open streams to a record that may be believed, and return it."""
    record.notes += notes
    if record.verdict != INVALID:
        for arm, weight in weights.items():
            record.figures.setdefault(arm, {})["kib_per_stream"] = weight.kib_per_stream
            record.series[f"memory:{arm}"] = weight.columns()
    return record


def _circumstances(options: Options, made: Session) -> Circumstances:
    kind = f"{options.engines} simulated engines, a token each 10 ms; " if made.stage.own else ""
    return Circumstances(
        command="overhead",
        words=options.words,
        seed=options.seed,
        workload=kind + workload(schedules(options)(1)),
        facts=made.facts(),
        notes=tuple(made.stage.notes),
    )


def shown(step: Step, lanes: int) -> progress.Step:
    """Return a step as the progress line takes it."""
    known: tuple[progress.Estimate, ...] = ()
    if step.effect is not None:
        known = (
            progress.Estimate(figure=PRECISE, arm=step.first, added=step.effect, half=step.half_us),
        )
    return progress.Step(
        done=step.done,
        total=step.rounds * lanes,
        doing=step.arm,
        known=known,
        rejected=step.rejected,
        left_s=step.seconds_left,
    )


def trials(played: Played) -> dict[str, Trial]:
    """Return all requests that count, by arm."""
    joined = {}
    for lane in played.lanes:
        blocks = played.counted(lane.name)
        if blocks:
            joined[lane.name] = Trial(
                observed=[one for block in blocks for one in block.trial.observed],
                began_ns=blocks[0].trial.began_ns,
                wall_ns=sum(block.trial.wall_ns for block in blocks),
            )
    return joined
