"""`headrace bench replay`: a recorded trace sent again, to one endpoint or through arms.

With one endpoint the whole part of the trace is sent once. With arms it is cut into as many slices
as there are rounds; each slice goes through every arm before the next one does, so a burst meets
all arms alike and the differences are paired as in `overhead`.
"""

import math
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from benchmarks.commands import loading, overhead, run
from benchmarks.commands.attempting import CANNOT_MEASURE, UnmeasurableError, attempt, tell
from benchmarks.commands.outputs import deliver
from benchmarks.load.planned import Planned, Schedule
from benchmarks.measure.bootstrap import FEWEST
from benchmarks.method.accounts import Circumstances, account, started_now
from benchmarks.method.passage import Slice, series
from benchmarks.method.rounds import Design
from benchmarks.method.session import session
from benchmarks.report.progress import Watch
from benchmarks.trace import replay as traces
from benchmarks.trace.problems import TraceError
from benchmarks.trace.reading import read


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Which trace, how, and where it is sent."""

    path: Path
    format: str = ""
    skip_bad: bool = False
    how: traces.Replay = traces.Replay()
    asked: run.Asked = run.Asked()
    arms: overhead.Options | None = None
    """None: one endpoint."""


def main(options: Options) -> int:
    """Replay, print and write; return the exit code: 0, 2, 3 or 4."""
    try:
        trace = read(options.path, options.format or None, skip_bad=options.skip_bad)
        schedule = traces.schedule(trace, options.how, seed=options.asked.seed)
    except (TraceError, OSError) as error:
        return tell("replay", error, CANNOT_MEASURE)
    if options.arms is None:
        return attempt("replay", run.endpoint("replay", schedule, options.asked))
    return attempt("replay", _through(schedule, options.arms))


def slices(schedule: Schedule, number: int) -> list[tuple[Slice, Schedule]]:
    """Cut a schedule into `number` slices of equal time; those without a request are left out.

    All turns of a session go with its first.
    """
    span = max(schedule.span, *(one.at for one in schedule.requests)) or 1.0
    length = span / number
    parts: dict[int, list[Planned]] = defaultdict(list)
    homes: dict[int, int] = {}
    for one in schedule.requests:
        place = min(number - 1, int(one.at / length))
        if one.session >= 0:
            place = homes.setdefault(one.session, place)
        shifted = max(0.0, one.at - place * length)
        parts[place].append(msgspec.structs.replace(one, at=shifted))
    return [
        (
            Slice(begins=place * length, span=length),
            msgspec.structs.replace(schedule, requests=tuple(part), span=length),
        )
        for place, part in sorted(parts.items())
    ]


async def _through(schedule: Schedule, options: overhead.Options) -> int:
    parts = slices(schedule, options.rounds)
    if len(parts) < FEWEST:
        raise UnmeasurableError(
            f"only {len(parts)} of {options.rounds} slices of this part of the trace hold a"
            f" request, and an interval needs {FEWEST}: take a longer part (--span), or more"
            " --rounds"
        )
    started = started_now()
    wanted = overhead.wanted(options)
    async with AsyncExitStack() as stack:
        watch = stack.enter_context(Watch(quiet=options.output.quiet))
        bench = await stack.enter_async_context(
            session(wanted, pin=options.pin, warm=options.warm, timeout=options.timeout)
        )
        played = await bench.play(
            lambda turn: parts[(turn - 1) % len(parts) if turn else 0][1],
            Design(rounds=len(parts), max_time=math.inf, uneven=True, seed=options.seed),
            tell=lambda step: watch.show(overhead.shown(step, len(bench.lanes))),
        )
        if played.problem:
            raise UnmeasurableError(played.problem)
        about = Circumstances(
            command="replay",
            words=options.words,
            seed=options.seed,
            workload=schedule.origin,
            facts=bench.facts(),
            notes=tuple(bench.stage.notes),
        )
    record = account(played, about, started=started)
    places = {turn: parts[(turn - 1) % len(parts)][0] for turn in range(1, played.rounds + 1)}
    record.series |= series(played, places, step=loading.step(schedule.span))
    return deliver(record, options.output, overhead.trials(played))
