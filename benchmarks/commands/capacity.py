"""`headrace bench capacity`: the largest rate, or number of streams, at which a proxy adds little.

Each probe compares direct and proxied at one load; the answer is a bracket.
"""

import time
from enum import StrEnum

import msgspec

from benchmarks.client.target import Stamp, Target
from benchmarks.commands import overhead
from benchmarks.commands.attempting import UnmeasurableError, attempt
from benchmarks.commands.outputs import Output, deliver
from benchmarks.load.planned import Schedule
from benchmarks.load.workload import Shape, draw
from benchmarks.measure import host
from benchmarks.method import probing
from benchmarks.method.accounts import started_now
from benchmarks.method.checks import INVALID, VALID
from benchmarks.method.holding import weigh
from benchmarks.method.lanes import DIRECT, PROXY, Lane
from benchmarks.method.rounds import Design
from benchmarks.method.search import Bracket, Outcome, Search
from benchmarks.method.session import Session, session
from benchmarks.report.budget import ADDED, BudgetError, parse
from benchmarks.report.figures import figure
from benchmarks.report.progress import Watch
from benchmarks.report.record import Block, Check, Record

LIMITS = "ttft.p99=2ms,token.p99=1ms"
ATTEMPTS = 3
"""How often rounds are added to a probe that cannot tell."""


class Of(StrEnum):
    """What is raised."""

    RATE = "rate"
    STREAMS = "streams"


FIRST = {Of.RATE: 50.0, Of.STREAMS: 24.0}
LEAST = {Of.RATE: 20.0, Of.STREAMS: 1.0}
MOST = {Of.RATE: 100_000.0, Of.STREAMS: 20_000.0}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to search through and how far. Times are seconds."""

    direct: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    via_pid: tuple[tuple[str, int], ...] = ()
    engines: int = 2
    like: Target = Target(name="", url="")
    stamp: Stamp | None = None
    of: Of = Of.RATE
    limits: str = LIMITS
    """As `--budget`: what the proxy may add at most."""
    shape: Shape = overhead.SHAPE
    """Lengths and arrivals; rate, concurrency, duration and number are what is searched."""
    block: float = 1.5
    rounds: int = 6
    first: float | None = None
    most: float | None = None
    max_time: float = 300.0
    """Of all searches together; what is known by then is the answer."""
    seed: int = 1
    pin: str = "auto"
    warm: int = overhead.WARM
    timeout: float = 60.0
    words: tuple[str, ...] = ()
    output: Output = Output()


class Path(msgspec.Struct, kw_only=True):
    """The search through one proxy."""

    arm: str
    bracket: Bracket
    tried: list[tuple[float, probing.Said]] = []
    blocks: list[Block] = []
    ended: str = ""
    """Why it ended before its bracket was narrow; empty if it did not."""


def limits(text: str) -> dict[str, float]:
    """Return the largest addition by figure. Raises BudgetError."""
    found = {}
    for one in parse(text):
        if one.word not in ADDED:
            raise BudgetError(
                f"--budget {one.word}: capacity is searched by what a proxy adds: "
                f"{', '.join(sorted(ADDED))}"
            )
        name = ADDED[one.word]
        found[name] = one.most / figure(name).base
    return found


def at(options: Options, load: float, seed: int) -> Schedule:
    """Return a block at a load."""
    free = msgspec.structs.replace(
        options.shape, rate=None, concurrency=None, requests=None, duration=None, ramp=""
    )
    if options.of is Of.RATE:
        shape = msgspec.structs.replace(free, rate=load, duration=options.block)
    else:
        shape = msgspec.structs.replace(
            free, concurrency=int(load), requests=max(24, 2 * int(load))
        )
    return draw(shape, seed=seed)


def main(options: Options) -> int:
    """Search, print and write; return the exit code: 0, 2 or 4."""
    return attempt("capacity", _run(options))


async def _run(options: Options) -> int:
    started = started_now()
    limits(options.limits)  # words that make no sense are told before anything is started
    arms = overhead.wanted(
        overhead.Options(
            direct=options.direct,
            via=options.via,
            via_pid=options.via_pid,
            engines=options.engines,
            like=options.like,
            stamp=options.stamp,
            aa=False,
            floor=False,
        )
    )
    with Watch(quiet=options.output.quiet) as watch:
        watch.say("starting engines and proxies")
        async with session(
            arms, pin=options.pin, warm=options.warm, timeout=options.timeout
        ) as made:
            searcher = Searcher(made, options, watch)
            paths = [await searcher.through(lane) for lane in made.lanes if lane.arm.role == PROXY]
            watch.say("holding streams open, to weigh them")
            weights, problems = await weigh(made.lanes, made.stage.ports)
            record = overhead.weighed(account(paths, made, options), weights, problems)
    record.started = started
    return deliver(record, msgspec.structs.replace(options.output, budget=""))


class Searcher:
    """Searches one proxy after the other, within one allowance of time."""

    __slots__ = ("_allowed", "_deadline", "_direct", "_made", "_options", "_watch")

    def __init__(self, made: Session, options: Options, watch: Watch) -> None:
        self._made = made
        self._options = options
        self._watch = watch
        self._allowed = limits(options.limits)
        self._deadline = time.monotonic() + options.max_time
        self._direct = next(one for one in made.lanes if one.arm.role == DIRECT)

    async def through(self, lane: Lane) -> Path:
        """Return the search through a proxy. Raises UnmeasurableError for limits without figure."""
        of, first, most = self._options.of, self._options.first, self._options.most
        search = Search(
            first=first or FIRST[of],
            least=min(LEAST[of], first or LEAST[of]),
            most=most or MOST[of],
            whole=of is Of.STREAMS,
        )
        path = Path(arm=lane.name, bracket=Bracket(low=None, high=None))
        while (load := search.following()) is not None:
            if time.monotonic() > self._deadline:
                path.ended = f"the time was up after {len(path.tried)} probes"
                break
            said = await self._probe(path, lane, load)
            if path.ended:
                break
            self._watch.say(
                f"{lane.name} {load:,.0f} {of}: {said.outcome.name.lower()}, {said.why}"
            )
            search.tell(load, said.outcome)
            path.tried.append((load, said))
        path.bracket = search.bracket()
        return path

    async def _probe(self, path: Path, lane: Lane, load: float) -> probing.Said:
        """Return what a load shows; at the instrument's own limit `path.ended` says so."""
        options = self._options
        rows: list[Block] = []
        said = probing.Said(outcome=Outcome.UNDECIDED, why="")
        for again in range(ATTEMPTS):
            seed = options.seed * 10_007 + 1000 * len(path.tried) + 100 * again
            left = max(1.0, self._deadline - time.monotonic())
            played = await self._made.play(
                lambda turn, seed=seed: at(options, load, seed + turn),  # type: ignore[misc]
                Design(rounds=options.rounds, max_time=left, repeats=1, seed=seed),
                lanes=[self._direct, lane],
            )
            shift = max((row.round for row in path.blocks), default=0)
            fresh = [msgspec.structs.replace(row, round=row.round + shift) for row in played.blocks]
            path.blocks += fresh
            rows += fresh
            problem = probing.unmeasured(rows, self._allowed)
            if problem:
                raise UnmeasurableError(f"{lane.name} at {load:g} {options.of}: {problem}")
            path.ended = played.problem or probing.at_its_limit(rows)
            said = probing.judged(rows, lane.name, self._allowed, seed=options.seed)
            if path.ended or said.outcome is not Outcome.UNDECIDED:
                break
        return said


def account(paths: list[Path], made: Session, options: Options) -> Record:
    """Return the record of the searches. Raises UnmeasurableError if none learned anything."""
    if all(path.bracket == Bracket(low=None, high=None) for path in paths):
        why = "; ".join(f"{path.arm}: {path.ended}" for path in paths if path.ended)
        raise UnmeasurableError(f"no load could be judged ({why or 'every probe was in doubt'})")
    known = {path.arm for path in paths}
    lanes = [lane for lane in made.lanes if lane.arm.role == DIRECT or lane.name in known]
    calm = [row for path in paths for row in path.blocks]
    rejected = sum(1 for row in calm if row.rejected)
    checks = [
        Check(
            name="the machine was calm enough",
            passed=rejected * 2 <= len(calm),
            detail=f"{rejected} of {len(calm)} blocks were disturbed by other work",
        )
    ]
    return Record(
        command="capacity",
        words=list(options.words),
        seed=options.seed,
        facts=host.facts() | made.facts(),
        workload=f"{at(options, FIRST[options.of], options.seed).origin}; limits: {options.limits}",
        verdict=VALID if checks[0].passed else INVALID,
        checks=checks,
        arms=[lane.arm for lane in lanes],
        blocks=calm,
        figures={path.arm: _figures(path, options.of) for path in paths},
        series={f"search:{path.arm}": _series(path, options) for path in paths if path.tried},
        notes=[
            *(f"{path.arm}: the search ended early, {path.ended}" for path in paths if path.ended),
            *made.stage.notes,
        ],
    )


def _figures(path: Path, of: Of) -> dict[str, float | None]:
    return {
        f"capacity_{of}_low": path.bracket.low,
        f"capacity_{of}_high": path.bracket.high,
    }


def _series(path: Path, options: Options) -> dict[str, list[float]]:
    columns: dict[str, list[float]] = {options.of.value: [load for load, _ in path.tried]}
    for name in limits(options.limits):
        columns[name] = [said.added.get(name, float("nan")) for _, said in path.tried]
    columns["verdict"] = [float(said.outcome) for _, said in path.tried]
    return columns
