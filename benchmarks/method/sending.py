"""A block over all targets of a lane: prepared first, sent together, read when all have ended.

Reading answers takes milliseconds at a stretch. With two targets it must wait for both: else the
first to end would delay what still arrives from the other.
"""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from benchmarks.client import sidelog
from benchmarks.client.calm import calm
from benchmarks.client.drive import Block, Progress
from benchmarks.client.target import Stamp, Target
from benchmarks.load.observed import Observed, Trial
from benchmarks.load.planned import Planned, Schedule
from benchmarks.measure import host

LEAD_NS = 20_000_000
"""Between the order to begin and second 0."""


class Sending(Protocol):
    """A block that is ready to be sent."""

    async def run(self) -> Trial:
        """Send it and return what came."""

    async def close(self) -> None:
        """Close its connections."""


class Prepare(Protocol):
    """Makes a block ready: `warm` small requests are sent before, and count nowhere."""

    async def __call__(
        self, targets: Sequence[Target], schedule: Schedule, *, warm: int, timeout: float
    ) -> Sending:
        """Return the block. Raises EndpointError for an address that cannot be found."""


def dealt(schedule: Schedule, ways: int) -> list[dict[int, Planned]]:
    """Deal requests out by place: in turn, but all turns of a session to one."""
    hands: list[dict[int, Planned]] = [{} for _ in range(ways)]
    owners: dict[int, int] = {}
    turn = 0
    for place, planned in enumerate(schedule.requests):
        owner = owners.get(planned.session)
        if owner is None:
            owner = turn % ways
            turn += 1
            if planned.session >= 0:
                owners[planned.session] = owner
        hands[owner][place] = planned
    return hands


def limit_of(limit: int | None, ways: int, which: int) -> int | None:
    """Return the share one of several targets has in a limit of running requests, at least 1."""
    return None if limit is None else max(1, (limit + ways - 1 - which) // ways)


class Part(Block):
    """What one target gets of a block."""

    __slots__ = ()

    async def send(self, begin_ns: int) -> None:
        """Send it, `begin_ns` (CLOCK_MONOTONIC) being second 0, and read nothing so far."""
        assert self._course is not None, "prepare comes before send"
        await self._course.run(begin_ns)

    async def answers(self) -> list[Observed]:
        """Read what came."""
        reports = self._shelf.reports()
        if self._target.stamp is Stamp.SIDELOG:
            tags = sidelog.tags(self._schedule.seed, [one.observed.index for one in reports])
            told = await sidelog.ask(self._target, tags, self._agenda, time.monotonic_ns())
            for report, line in zip(reports, told, strict=True):
                sidelog.apply(report, line)
        return [one.observed for one in reports]


class Joint:
    """A block over one or several targets."""

    __slots__ = ("_parts", "_span")

    def __init__(self, parts: Sequence[Part], span: float) -> None:
        self._parts = parts
        self._span = span

    async def run(self) -> Trial:
        """Send all parts at once."""
        begin = time.monotonic_ns() + LEAD_NS
        with calm(self._span) as pauses:
            before = _own()
            async with asyncio.TaskGroup() as group:
                for part in self._parts:
                    group.create_task(part.send(begin))
            wall, spent = time.monotonic_ns() - begin, _own().since(before)
        observed = [one for part in self._parts for one in await part.answers()]
        return Trial(
            observed=sorted(observed, key=lambda one: one.index),
            began_ns=begin,
            wall_ns=wall,
            client=spent,
            longest_gc_ns=pauses.longest_ns,
        )

    async def close(self) -> None:
        """Close all connections."""
        for part in self._parts:
            await part.close()


def _own() -> host.Cpu:
    return host.cpu([os.getpid()], descend=False)


class Counts:
    """Adds up what several parts of a block tell of their progress."""

    __slots__ = ("_ended", "_tell", "_total")

    def __init__(self, tell: Progress, total: int) -> None:
        self._ended: dict[int, int] = {}
        self._tell = tell
        self._total = total

    def of(self, part: int) -> Progress:
        """Return what one part tells its progress to."""

        def told(ended: int, _all: int) -> None:
            self._ended[part] = ended
            self._tell(sum(self._ended.values()), self._total)

        return told


async def prepare(
    targets: Sequence[Target],
    schedule: Schedule,
    *,
    warm: int,
    timeout: float,
    progress: Progress | None = None,
) -> Joint:
    """Make a block ready in this process. Raises EndpointError as `client.drive` does."""
    counts = Counts(progress, len(schedule.requests)) if progress is not None else None
    hands: list[Mapping[int, Planned]] = [*dealt(schedule, len(targets))]
    parts = [
        Part(
            target,
            msgspec.structs.replace(
                schedule, concurrency=limit_of(schedule.concurrency, len(targets), which)
            ),
            hand,
            progress=counts.of(which) if counts is not None else None,
            timeout=timeout,
        )
        for which, (target, hand) in enumerate(zip(targets, hands, strict=True))
        if hand
    ]
    joint = Joint(parts, schedule.span)
    try:
        for part in parts:
            await part.prepare(-(-warm // len(parts)))
    except BaseException:
        await joint.close()
        raise
    return joint
