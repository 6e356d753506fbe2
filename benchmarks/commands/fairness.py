"""`headrace bench fairness`: how each balancing policy shares the work out.

The same load goes through headrace once per policy, each time in front of fresh simulated engines
with a prefix cache. Prompts begin alike in groups, sizes differ widely: where the next request
should go depends on what is asked about.
"""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.client.probe import probe
from benchmarks.client.target import Target
from benchmarks.commands.attempting import UnmeasurableError, attempt
from benchmarks.commands.outputs import Output, deliver
from benchmarks.driver import arms as recipes
from benchmarks.driver import engines, yardsticks
from benchmarks.driver.cold import greeting
from benchmarks.driver.procs import free_port
from benchmarks.fake.launch import launched
from benchmarks.fake.presets import numbered
from benchmarks.fake.profile import Profile
from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule
from benchmarks.load.workload import Shape, draw
from benchmarks.measure import host
from benchmarks.method.accounts import started_now
from benchmarks.method.experience import Limits, experience
from benchmarks.method.figures import Figures
from benchmarks.method.lanes import PROXY
from benchmarks.method.portrait import complaint
from benchmarks.method.readiness import known
from benchmarks.method.sending import prepare
from benchmarks.method.sharing import sharing
from benchmarks.method.stage import own_profile
from benchmarks.report.progress import Step, Watch
from benchmarks.report.record import Arm, Check, Record

POLICIES: Final = ("work", "least-connections", "round-robin", "random")
SHAPE: Final = Shape(
    rate=30.0,
    duration=10.0,
    input="lognormal:600,4000",
    output="lognormal:40,300",
    prefix_groups="24:zipf1.1",
    prefix_tokens=512,
)
PREFIX_BLOCKS: Final = 400
"""Of 16 tokens: a cache that holds a dozen of the groups' beginnings, not all 24."""
SHOWN: Final = ("ttft_p50_ms", "ttft_p99_ms", "e2e_p50_ms", "e2e_p99_ms", "failures")
WARM: Final = 16


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is shared out, among whom, and how. Times are seconds."""

    policies: tuple[str, ...] = POLICIES
    """Of headrace's `balance.policy`; or nginx, envoy, haproxy, with equal weights only."""
    weights: tuple[float, ...] = (1.0, 1.0, 1.0)
    """One per simulated engine."""
    shape: Shape = SHAPE
    timeout: float = 60.0
    seed: int = 1
    words: tuple[str, ...] = ()
    output: Output = Output()


class Played(msgspec.Struct, kw_only=True):
    """What came of one policy."""

    policy: str
    trial: Trial
    figures: Figures


def main(options: Options) -> int:
    """Measure, print and write; return the exit code: 0, 2, 3 or 4."""
    return attempt("fairness", _run(options))


async def _run(options: Options) -> int:
    started, schedule = started_now(), draw(options.shape, seed=options.seed)
    played = []
    with Watch(quiet=options.output.quiet) as watch:
        for place, policy in enumerate(options.policies):
            watch.show(Step(done=place, total=len(options.policies), doing=policy))
            played.append(await play(policy, schedule, options))
    record = account(played, schedule, options)
    record.started = started
    return deliver(record, options.output, {one.policy: one.trial for one in played})


def configuration(policy: str, weights: Mapping[int, float]) -> bytes:
    """Return headrace's settings: one policy, the engines at these ports with their weights."""
    backends = [
        {"name": f"engine-{port}", "url": f"http://127.0.0.1:{port}", "weight": weight}
        for port, weight in weights.items()
    ]
    return msgspec.json.encode({"balance": {"policy": policy}, "backends": backends})


def plan(policy: str, weights: Sequence[float], folder: Path, admin: int) -> recipes.Plan:
    """Return how to start what is asked for. Raises UnmeasurableError if it cannot be."""
    if policy in POLICIES:

        def command(port: int, behind: Sequence[int], home: Path) -> list[str]:
            del home
            file = folder / f"{policy}.yaml"  # JSON is YAML
            file.write_bytes(configuration(policy, dict(zip(behind, weights, strict=True))))
            return [*yardsticks.headrace(port, admin, ()), "--config", str(file)]

        return recipes.Plan(name=policy, command=command)
    found = recipes.find([policy])
    if not found.plans:
        known_ones = ", ".join((*POLICIES, *recipes.TITLES))
        raise UnmeasurableError(
            found.skipped[0]
            if found.skipped
            else f"{policy!r} is no policy and no proxy that can be started: {known_ones}"
        )
    if len(set(weights)) > 1:
        raise UnmeasurableError(f"{policy} is started without weights here: leave --weights out")
    return found.plans[0]


async def play(policy: str, schedule: Schedule, options: Options) -> Played:
    """Send the load through one policy. Raises what makes it impossible, with a sentence."""
    async with AsyncExitStack() as outer:
        folder = Path(outer.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        profiles = numbered(_profile(), len(options.weights))
        children = await outer.enter_async_context(launched(profiles))
        ports = [int(child.url.rpartition(":")[2]) for child in children]
        started = plan(policy, options.weights, folder, free_port(set(ports)))
        stack = outer.enter_context(ExitStack())
        proxy = await recipes.start(started, ports, greeting, stack, folder)
        target = Target(name=policy, url=f"http://127.0.0.1:{proxy.ports[0]}")
        seen = await probe(target)
        target = known(target, seen, seen.stamp)
        joint = await prepare([target], schedule, warm=WARM, timeout=options.timeout)
        try:
            for port in ports:
                await engines.ask(port, "DELETE", "requests")
            trial = await joint.run()
        finally:
            await joint.close()
        problem = complaint(trial)
        if problem:
            raise UnmeasurableError(f"{policy}: {problem}")
        weights = dict(zip([child.name for child in children], options.weights, strict=True))
        figures = sharing(trial.observed, weights) | {"prefix_hit_share": await hits(ports)}
        got = experience(trial, Limits())
        return Played(
            policy=policy, trial=trial, figures=figures | {name: got[name] for name in SHOWN}
        )


async def hits(ports: Sequence[int]) -> float | None:
    """Return the share of prompt tokens the engines had in their caches; None without any."""
    asked = cached = 0
    for port in ports:
        told = msgspec.json.decode(await engines.ask(port, "GET", "requests"), type=_Told)
        asked += sum(one.prompt_tokens for one in told.requests)
        cached += sum(one.cached_tokens for one in told.requests)
    return cached / asked if asked else None


class _Row(msgspec.Struct):
    prompt_tokens: int = 0
    cached_tokens: int = 0


class _Told(msgspec.Struct):
    requests: list[_Row]


def account(played: Sequence[Played], schedule: Schedule, options: Options) -> Record:
    """Return the record; invalid where a policy's answers do not name their engines."""
    named = [one.policy for one in played if "request_error_share" in one.figures]
    mute = [one.policy for one in played if one.policy not in named]
    return Record(
        command="fairness",
        words=list(options.words),
        seed=options.seed,
        facts=host.facts(),
        workload=f"{len(options.weights)} simulated engines; {schedule.origin}",
        verdict="invalid" if mute else "valid",
        checks=[
            Check(
                name="answers name their engine",
                passed=not mute,
                detail=f"not through {', '.join(mute)}" if mute else "",
            )
        ],
        arms=[Arm(name=one.policy, role=PROXY) for one in played],
        figures={one.policy: one.figures for one in played},
        sentence="" if mute else _sentence(played),
    )


def _sentence(played: Sequence[Played]) -> str:
    told = []
    for one in played:
        error, hit = (one.figures.get(name) for name in ("token_error_share", "prefix_hit_share"))
        if error is None:
            continue
        cached = f" and found {hit:.0%} of the prompt tokens cached" if hit is not None else ""
        told.append(f"{one.policy} sent {error:.1%} of the tokens elsewhere{cached}")
    return f"Of the share each engine should have, {'; '.join(told)}." if told else ""


def _profile() -> Profile:
    return msgspec.structs.replace(
        own_profile(), prefix_blocks=PREFIX_BLOCKS, prefill_per_token=0.0001
    )
