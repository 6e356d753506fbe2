"""`headrace bench run`: load on one endpoint, and what its users got."""

from contextlib import AsyncExitStack

import msgspec

from benchmarks.client.target import Target
from benchmarks.commands import loading as loads
from benchmarks.commands.attempting import UnmeasurableError, attempt
from benchmarks.commands.outputs import Output, deliver
from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule
from benchmarks.load.workload import Shape, draw
from benchmarks.measure import host
from benchmarks.method import punctuality
from benchmarks.method.accounts import started_now
from benchmarks.method.experience import Limits
from benchmarks.method.lanes import DIRECT
from benchmarks.method.portrait import complaint, loaded, portrait
from benchmarks.report.progress import Watch
from benchmarks.report.record import Arm, Record

ENDPOINT = "endpoint"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which endpoint, how, and what becomes of the result: all but the load itself."""

    target: Target | None = None
    """None: simulated engines are started and asked."""
    engines: int = 2
    limits: Limits = Limits()
    loading: loads.Loading = loads.Loading()
    seed: int = 1
    words: tuple[str, ...] = ()
    output: Output = Output()


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to send where."""

    asked: Asked = Asked()
    shape: Shape = Shape()


def main(options: Options) -> int:
    """Measure, print and write; return the exit code: 0, 2, 3 or 4."""
    return attempt("run", _run(options))


async def _run(options: Options) -> int:
    schedule = draw(options.shape, seed=options.asked.seed)
    return await endpoint("run", schedule, options.asked)


async def endpoint(command: str, schedule: Schedule, asked: Asked) -> int:
    """Send a schedule to the endpoint, deliver the record, return the exit code.

    Raises EndpointError, OSError and UnmeasurableError.
    """
    started = started_now()
    async with AsyncExitStack() as stack:
        targets = await loads.targets(stack, asked.target, asked.engines)
        watch = stack.enter_context(Watch(quiet=asked.output.quiet))
        stolen = host.stolen()
        trial = await loads.load(targets, schedule, asked.loading, watch)
        stolen = host.stolen() - stolen
    record = account(trial, schedule, asked, stolen_s=stolen)
    record.command, record.started = command, started
    record.arms = [Arm(name=ENDPOINT, role=DIRECT, url=" ".join(one.url for one in targets))]
    return deliver(record, asked.output, {ENDPOINT: trial})


def account(trial: Trial, schedule: Schedule, asked: Asked, *, stolen_s: float = 0.0) -> Record:
    """Return the record of a run; `stolen_s` of CPU time a hypervisor took meanwhile.

    Raises UnmeasurableError if too little was answered.
    """
    problem = complaint(trial)
    if problem:
        raise UnmeasurableError(problem)
    seen = portrait(trial, schedule, asked.limits)
    failed = int(seen.figures["failures"] or 0)
    notes = [f"{failed} requests failed; latencies are those of the others"] if failed else []
    notes += [said] if (said := punctuality.note(trial, schedule, stolen_s)) else []
    if asked.target is None:
        notes.append(f"asked: {asked.engines} simulated engines, started for this run")
    return Record(
        command="run",
        words=list(asked.words),
        seed=asked.seed,
        facts=host.facts() | punctuality.facts(trial, schedule, stolen_s),
        workload=schedule.origin,
        verdict="valid" if seen.valid else "invalid",
        checks=seen.checks,
        figures={ENDPOINT: seen.figures},
        histograms={ENDPOINT: seen.histograms},
        series={f"timeline:{ENDPOINT}": loaded(trial, step=loads.step(trial.wall_ns / 1e9))},
        notes=notes,
    )
