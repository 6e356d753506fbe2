"""Lanes: an arm of the experiment with what is needed to send a block through it.

Direct has several engines behind it and no proxy to choose among them, so the client deals the
requests out itself, one engine after the other. Were all sent to one engine, its bursts (one token
of every running stream at one instant) would be larger than those behind the proxies.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from benchmarks.client.target import Target
from benchmarks.load.observed import Observed, Trial
from benchmarks.load.planned import Planned, Schedule
from benchmarks.measure.host import Cpu
from benchmarks.report.record import Arm

DIRECT, AGAIN, PROXY, FLOOR, DELAY = "direct", "again", "proxy", "floor", "delay"  # roles


class Drive(Protocol):
    """Sends a schedule to a target."""

    async def __call__(
        self, target: Target, schedule: Schedule, *, warm: int = 0, timeout: float = 60.0
    ) -> Trial:
        """Return what came of every request; `warm` requests go before, uncounted."""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """An arm and where its requests go. `arm.pids` are the roots of what is measured."""

    arm: Arm
    targets: tuple[Target, ...]

    @property
    def name(self) -> str:
        """The arm's name."""
        return self.arm.name


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one of several targets gets: a schedule, and where its requests stand in the whole."""

    schedule: Schedule
    places: tuple[int, ...]


def dealt(schedule: Schedule, ways: int) -> list[Part]:
    """Deal a schedule out to `ways` targets: requests in turn, turns of a session together."""
    if ways == 1:
        return [Part(schedule=schedule, places=tuple(range(len(schedule.requests))))]
    hands: list[list[tuple[int, Planned]]] = [[] for _ in range(ways)]
    owner: dict[int, int] = {}
    turn = 0
    for place, planned in enumerate(schedule.requests):
        who = owner.get(planned.session, turn % ways) if planned.session >= 0 else turn % ways
        if planned.session < 0 or planned.session not in owner:
            turn += 1
        if planned.session >= 0:
            owner[planned.session] = who
        hands[who].append((place, planned))
    limit = schedule.concurrency
    return [
        Part(
            schedule=msgspec.structs.replace(
                schedule,
                requests=tuple(planned for _, planned in hand),
                # The remainder goes to the first: together they keep the limit exactly.
                concurrency=None if limit is None else max(1, (limit + ways - 1 - who) // ways),
            ),
            places=tuple(place for place, _ in hand),
        )
        for who, hand in enumerate(hands)
    ]


def joined(trials: Sequence[Trial], parts: Sequence[Part]) -> Trial:
    """Put the trials of several targets together, requests at their places in the whole.

    They ran in one process at one time, and each counted that process: its CPU is taken once.
    """
    observed: list[Observed] = []
    for trial, part in zip(trials, parts, strict=True):
        for one in trial.observed:
            one.index = part.places[one.index]
            observed.append(one)
    began = min(trial.began_ns for trial in trials)
    ended = max(trial.began_ns + trial.wall_ns for trial in trials)
    return Trial(
        observed=sorted(observed, key=lambda one: one.index),
        began_ns=began,
        wall_ns=ended - began,
        client=Cpu(
            ran_ns=max(trial.client.ran_ns for trial in trials),
            waited_ns=max(trial.client.waited_ns for trial in trials),
        ),
        processes=max(trial.processes for trial in trials),
        longest_gc_ns=max(trial.longest_gc_ns for trial in trials),
    )


async def through(
    lane: Lane, schedule: Schedule, drive: Drive, *, warm: int, timeout: float
) -> Trial:
    """Send a schedule through a lane. Raises what `drive` raises."""
    parts = [part for part in dealt(schedule, len(lane.targets)) if part.places]
    if len(parts) == 1:
        return await drive(lane.targets[0], schedule, warm=warm, timeout=timeout)
    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(
                drive(target, part.schedule, warm=-(-warm // len(parts)), timeout=timeout)
            )
            for target, part in zip(lane.targets, parts, strict=False)
        ]
    return joined([task.result() for task in running], parts)
