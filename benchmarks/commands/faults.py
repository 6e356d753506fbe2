"""`headrace bench faults`: a backend breaks under load; what its clients see, and for how long.

Every proxy meets every fault on a stage of its own: simulated engines, the proxy in front of them,
a steady load of streams. After a calm stretch one engine breaks, and later it is whole again.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.client.probe import probe
from benchmarks.client.target import Target
from benchmarks.commands.attempting import UnmeasurableError, attempt
from benchmarks.commands.outputs import Output, deliver
from benchmarks.driver import arms as recipes
from benchmarks.driver import yardsticks
from benchmarks.driver.cold import greeting
from benchmarks.driver.procs import free_port
from benchmarks.fake.launch import start
from benchmarks.fake.presets import numbered
from benchmarks.fake.profile import Profile, Stamps
from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule
from benchmarks.load.workload import Shape, draw
from benchmarks.measure import host
from benchmarks.method import exposition
from benchmarks.method.accounts import started_now
from benchmarks.method.breaking import Breakage, Victim
from benchmarks.method.figures import SECOND, Figures
from benchmarks.method.lanes import PROXY
from benchmarks.method.reaction import Incident, reaction, timeline
from benchmarks.method.readiness import known
from benchmarks.method.sending import prepare
from benchmarks.method.stage import own_profile
from benchmarks.report.progress import Step, Watch
from benchmarks.report.record import Arm, Check, Record

SHAPE: Final = Shape(rate=40.0, arrivals="constant", input="128", output="32")
"""Streams of a third of a second, some twelve at a time: six break with an engine."""
POLL_S: Final = 0.02
WARM: Final = 16


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Who meets what. Times are seconds."""

    vias: tuple[str, ...] = (recipes.HEADRACE,)
    """Of headrace, nginx, envoy, haproxy: they are started here, for their engines must break."""
    breakages: tuple[Breakage, ...] = (
        Breakage.KILL,
        Breakage.HANG,
        Breakage.STATUS,
        Breakage.RESET,
    )
    engines: int = 2
    shape: Shape = SHAPE
    calm: float = 3.0
    """Before the fault."""
    outage: float = 4.0
    after: float = 5.0
    """Load goes on so long after the engine is whole again."""
    timeout: float = 20.0
    seed: int = 1
    words: tuple[str, ...] = ()
    output: Output = Output()


class Scene(msgspec.Struct, kw_only=True):
    """One proxy that meets one fault."""

    via: str
    how: Breakage
    trial: Trial | None = None
    incident: Incident | None = None
    figures: Figures = {}

    @property
    def arm(self) -> str:
        """What the report calls it."""
        return f"{self.via}, {self.how}"


def main(options: Options) -> int:
    """Break, measure, print and write; return the exit code: 0, 2, 3 or 4."""
    return attempt("faults", _run(options))


async def _run(options: Options) -> int:
    started = started_now()
    span = options.calm + options.outage + options.after
    schedule = draw(msgspec.structs.replace(options.shape, duration=span), seed=options.seed)
    scenes = [Scene(via=via, how=how) for via in options.vias for how in options.breakages]
    with Watch(quiet=options.output.quiet) as watch:
        for place, scene in enumerate(scenes):
            watch.show(Step(done=place, total=len(scenes), doing=scene.arm))
            await play(scene, schedule, options)
    record = account(scenes, schedule, options)
    record.started = started
    trials = {scene.arm: scene.trial for scene in scenes if scene.trial is not None}
    return deliver(record, options.output, trials)


async def play(scene: Scene, schedule: Schedule, options: Options) -> None:
    """Run one scene and fill it in. Raises NotReadyError, EndpointError, OSError."""
    taken: set[int] = set()
    profile = msgspec.structs.replace(own_profile(), stamps=Stamps.FIELD)
    profiles = [
        msgspec.structs.replace(one, port=free_port(taken))
        for one in numbered(profile, options.engines)
    ]
    async with AsyncExitStack() as outer:
        folder = Path(outer.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        victims = [await _engine(one, outer) for one in profiles]
        stack, admin = outer.enter_context(ExitStack()), free_port(taken)
        plan = plan_of(scene.via, admin)
        proxy = await recipes.start(plan, [one.port for one in victims], greeting, stack, folder)
        target = Target(name=scene.via, url=f"http://127.0.0.1:{proxy.ports[0]}")
        seen = await probe(target)
        target = known(target, seen, seen.stamp)
        joint = await prepare([target], schedule, warm=WARM, timeout=options.timeout)
        try:
            async with asyncio.TaskGroup() as group:
                sent = group.create_task(joint.run())
                broke = group.create_task(_incident(victims[0], scene.how, options))
                watched = group.create_task(_breaker(admin, sent))
            scene.trial, scene.incident = sent.result(), broke.result()
        finally:
            await joint.close()
        scene.figures = reaction(scene.trial.observed, scene.incident)
        scene.figures |= await _told(scene, admin, watched.result())


async def _engine(profile: Profile, stack: AsyncExitStack) -> Victim:
    victim = Victim(await start(profile), profile)
    stack.push_async_callback(victim.stop)
    return victim


def plan_of(via: str, admin: int) -> recipes.Plan:
    """Return how to start a proxy; headrace on an admin port that is known here."""
    if via == recipes.HEADRACE:
        return recipes.Plan(
            name=via, command=lambda port, behind, _: yardsticks.headrace(port, admin, behind)
        )
    found = recipes.find([via])
    if not found.plans:
        why = found.skipped[0] if found.skipped else f"{via} is no proxy that can be started here"
        raise UnmeasurableError(why)
    return found.plans[0]


async def _incident(victim: Victim, how: Breakage, options: Options) -> Incident:
    await asyncio.sleep(options.calm)
    broke = time.monotonic_ns()
    await victim.damage(how)
    await asyncio.sleep(options.outage)
    healed = time.monotonic_ns()
    await victim.heal(how)
    return Incident(engine=victim.name, broke_ns=broke, healed_ns=healed)


async def _breaker(admin: int, sent: "asyncio.Task[Trial]") -> tuple[int, int]:
    """Return when headrace's breaker was first seen open and last seen open; 0: never."""
    first = last = 0
    if not await exposition.get(admin, "/metrics"):
        return 0, 0
    while not sent.done():
        text = await exposition.get(admin, "/metrics")
        if exposition.total(text, "headrace_breaker_state", 'state="open"'):
            last = time.monotonic_ns()
            first = first or last
        await asyncio.sleep(POLL_S)
    return first, last


async def _told(scene: Scene, admin: int, breaker: tuple[int, int]) -> Figures:
    """Return what headrace says of itself; nothing for other proxies."""
    text = await exposition.get(admin, "/metrics")
    if not text or scene.incident is None:
        return {}
    first, last = breaker
    broke, healed = scene.incident.broke_ns, scene.incident.healed_ns
    return {
        "retried": exposition.total(text, "headrace_retries_total") or 0.0,
        "breaker_opened": exposition.total(text, "headrace_breaker_opened_total") or 0.0,
        "breaker_open_after_s": (first - broke) / SECOND if first else None,
        "breaker_closed_after_s": (last - healed) / SECOND if last > healed else None,
    }


def account(scenes: Sequence[Scene], schedule: Schedule, options: Options) -> Record:
    """Return the record of all scenes; invalid where requests failed before anything broke."""
    record = Record(
        command="faults",
        words=list(options.words),
        seed=options.seed,
        facts=host.facts(),
        workload=f"{options.engines} simulated engines, one breaks; {schedule.origin}",
    )
    for scene in scenes:
        if scene.trial is None or scene.incident is None:
            continue
        broke = scene.incident.broke_ns
        early = [one for one in scene.trial.observed if one.failure and one.ended_ns < broke]
        record.checks.append(
            Check(
                name=f"calm before the fault ({scene.arm})",
                passed=not early,
                detail=f"{len(early)} requests failed before it: {early[0].failure}"
                if early
                else "",
            )
        )
        began = scene.trial.began_ns
        at = partial(_second, began)
        record.arms.append(Arm(name=scene.arm, role=PROXY))
        record.figures[scene.arm] = scene.figures
        record.series[f"failover:{scene.arm}"] = timeline(scene.trial.observed, began)
        record.series["events"] = {
            "broken": [at(broke)],
            "whole again": [at(scene.incident.healed_ns)],
        }
    record.verdict = "valid" if all(check.passed for check in record.checks) else "invalid"
    return record


def _second(began_ns: int, at_ns: int) -> float:
    return round((at_ns - began_ns) / SECOND, 2)
