"""`headrace bench run`: load on one endpoint, and what its users got."""

from contextlib import AsyncExitStack

import msgspec

from benchmarks.client.probe import probe
from benchmarks.client.target import Target
from benchmarks.commands import loading as loads
from benchmarks.commands.attempting import UnmeasurableError, attempt
from benchmarks.commands.outputs import Output, deliver
from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule
from benchmarks.load.workload import Shape, draw
from benchmarks.measure import host
from benchmarks.method.accounts import started_now
from benchmarks.method.experience import Limits
from benchmarks.method.lanes import DIRECT
from benchmarks.method.portrait import complaint, loaded, portrait
from benchmarks.report.progress import Watch
from benchmarks.report.record import Arm, Record

ENDPOINT = "endpoint"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to send where. Times are seconds."""

    target: Target | None = None
    """None: simulated engines are started and asked."""
    engines: int = 2
    shape: Shape = Shape()
    limits: Limits = Limits()
    loading: loads.Loading = loads.Loading()
    seed: int = 1
    words: tuple[str, ...] = ()
    output: Output = Output()


def main(options: Options) -> int:
    """Measure, print and write; return the exit code: 0, 2, 3 or 4."""
    return attempt("run", _run(options))


async def _run(options: Options) -> int:
    schedule = draw(options.shape, seed=options.seed)
    started = started_now()
    async with AsyncExitStack() as stack:
        targets = (
            (options.target,)
            if options.target is not None
            else await loads.simulated(stack, options.engines)
        )
        targets = tuple([loads.known(target, await probe(target)) for target in targets])
        with Watch(quiet=options.output.quiet) as watch:
            trial = await loads.load(targets, schedule, options.loading, watch)
    record = account(trial, schedule, options, targets)
    record.started = started
    return deliver(record, options.output, {ENDPOINT: trial})


def account(
    trial: Trial, schedule: Schedule, options: Options, targets: tuple[Target, ...]
) -> Record:
    """Return the record of a run. Raises UnmeasurableError if too little was answered."""
    problem = complaint(trial)
    if problem:
        raise UnmeasurableError(problem)
    seen = portrait(trial, schedule, options.limits)
    failed = int(seen.figures["failures"] or 0)
    notes = [f"{failed} requests failed; latencies are those of the others"] if failed else []
    if options.target is None:
        notes.append(f"asked: {options.engines} simulated engines started for this run")
    return Record(
        command="run",
        words=list(options.words),
        seed=options.seed,
        facts=host.facts(),
        workload=schedule.origin,
        verdict="valid" if seen.valid else "invalid",
        checks=seen.checks,
        arms=[Arm(name=ENDPOINT, role=DIRECT, url=" ".join(target.url for target in targets))],
        figures={ENDPOINT: seen.figures},
        histograms={ENDPOINT: seen.histograms},
        series={"load": loaded(trial.observed, trial.began_ns, step=loads.step(trial))},
        notes=notes,
    )
