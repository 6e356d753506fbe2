"""What `run` and `replay` share: the endpoints, how many processes load them, words about both."""

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from benchmarks.client import fleet
from benchmarks.client.drive import Progress, drive
from benchmarks.client.probe import probe
from benchmarks.client.target import Target
from benchmarks.fake.launch import launched
from benchmarks.fake.presets import numbered, preset
from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule
from benchmarks.method.readiness import known
from benchmarks.method.sending import prepare
from benchmarks.report.progress import Step, Watch

PRESET: Final = "h100-8b"
FAR: Final = 1_000_000  # tokens: no answer of a simulated engine ends before it was told to
ONE_PROCESS: Final = 15_000.0
"""Tokens a second one process takes without being late, with half of its core to spare."""
STEPS: Final = 240  # points of a plot over time


class Loading(msgspec.Struct, frozen=True, kw_only=True):
    """How a schedule is sent. Times are seconds."""

    warm: int = 8
    """Small requests before, which count nowhere."""
    timeout: float = 600.0
    clients: int = 0
    """Processes that make the load; 0: as many as it needs."""


async def targets(stack: AsyncExitStack, target: Target | None, engines: int) -> tuple[Target, ...]:
    """Return the endpoint, or the simulated engines started instead, each probed.

    Raises EndpointError with a sentence for what cannot be measured, OSError.
    """
    found = (target,) if target is not None else await simulated(stack, engines)
    seen = [await probe(one) for one in found]
    return tuple(known(one, has, has.stamp) for one, has in zip(found, seen, strict=True))


async def simulated(stack: AsyncExitStack, engines: int) -> tuple[Target, ...]:
    """Start simulated engines that end with `stack`. Raises OSError if one does not start."""
    profile = msgspec.structs.replace(preset(PRESET), output_tokens=FAR, context_length=FAR)
    children = await stack.enter_async_context(launched(numbered(profile, engines)))
    return tuple(Target(name=child.name, url=child.url) for child in children)


def processes(schedule: Schedule, loading: Loading) -> int:
    """Return how many processes make the load: by its tokens a second, leaving a core free."""
    if loading.clients:
        return loading.clients
    tokens = sum(one.output_tokens for one in schedule.requests)
    span = schedule.span if math.isfinite(schedule.span) and schedule.span > 0 else 1.0
    if schedule.concurrency is not None:
        return 1  # one process keeps a limit exactly; several would each keep a part of it
    return max(1, min((os.cpu_count() or 2) - 1, math.ceil(tokens / span / ONE_PROCESS)))


async def load(
    targets: Sequence[Target], schedule: Schedule, loading: Loading, watch: Watch
) -> Trial:
    """Send a schedule to an endpoint, or shared out among several. Raises EndpointError."""
    counted = counting(watch, schedule)
    if len(targets) > 1:
        joint = await prepare(
            targets, schedule, warm=loading.warm, timeout=loading.timeout, progress=counted
        )
        try:
            return await joint.run()
        finally:
            await joint.close()
    ways = processes(schedule, loading)
    if ways > 1:
        return await fleet.drive(
            targets[0],
            schedule,
            processes=ways,
            progress=counted,
            warm=loading.warm,
            timeout=loading.timeout,
        )
    return await drive(
        targets[0], schedule, progress=counted, warm=loading.warm, timeout=loading.timeout
    )


def counting(
    watch: Watch, schedule: Schedule, clock: Callable[[], float] = time.monotonic
) -> Progress:
    """Return what shows how many requests were answered, and how long new ones will begin.

    A closed loop with an end has more requests than it will send: their number is not shown.
    """
    begin: list[float] = []

    def told(done: int, total: int) -> None:
        begin[:] = begin or [clock()]
        end = min(schedule.span, schedule.until)
        left = max(0.0, end - clock() + begin[0]) if math.isfinite(end) else None
        known = total if math.isinf(schedule.until) else max(1, done)
        doing = "requests answered" if left != 0 else "requests answered, all have been sent"
        watch.show(Step(done=done, total=known, doing=doing, left_s=left or None))

    return told


def step(seconds: float) -> float:
    """Return the length of one point of a plot over so many seconds: 0.1, 0.25, 0.5, 1, 2.5, ..."""
    least = max(0.1, seconds / STEPS)
    scale = 10.0 ** math.floor(math.log10(least))
    return next(scale * part for part in (1, 2.5, 5, 10) if scale * part >= least * 0.999)
