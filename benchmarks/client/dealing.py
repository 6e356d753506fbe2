"""Dealing one schedule out to several processes, and putting what they saw together."""

from collections.abc import Sequence

import msgspec

from benchmarks.load.observed import Trial
from benchmarks.load.planned import Planned, Schedule
from benchmarks.measure.host import Cpu


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One process's part of a schedule. `indices` are the places of its requests in the whole."""

    schedule: Schedule
    indices: tuple[int, ...]

    def requests(self) -> dict[int, Planned]:
        """Return the requests by their place in the whole schedule."""
        return dict(zip(self.indices, self.schedule.requests, strict=True))


def deal(schedule: Schedule, processes: int) -> list[Share]:
    """Deal requests out in turn, by time; all turns of a session go to one process.

    The places of a closed loop are split too, so there are never more shares than places, nor more
    than requests, and each process goes on when one of its own requests ends.
    """
    count = min(processes, schedule.concurrency or processes, max(1, len(schedule.requests)))
    dealt: list[list[int]] = [[] for _ in range(count)]
    owners: dict[int, int] = {}
    turn = 0
    order = sorted(range(len(schedule.requests)), key=lambda i: (schedule.requests[i].at, i))
    for index in order:
        session = schedule.requests[index].session
        owner = owners.get(session, -1)
        if owner < 0:
            owner = turn % count
            turn += 1
            if session >= 0:
                owners[session] = owner
        dealt[owner].append(index)
    return [_share(schedule, sorted(indices), at, count) for at, indices in enumerate(dealt)]


def _share(schedule: Schedule, indices: list[int], at: int, count: int) -> Share:
    places = schedule.concurrency
    if places is not None:
        places = places // count + (at < places % count)
    part = msgspec.structs.replace(
        schedule, requests=tuple(schedule.requests[index] for index in indices), concurrency=places
    )
    return Share(schedule=part, indices=tuple(indices))


def merge(trials: Sequence[Trial]) -> Trial:
    """Put the parts of one block together. CPU times add up, the longest pause is the longest."""
    began = min(trial.began_ns for trial in trials)
    return Trial(
        observed=sorted(
            (one for trial in trials for one in trial.observed), key=lambda one: one.index
        ),
        began_ns=began,
        wall_ns=max(trial.began_ns + trial.wall_ns for trial in trials) - began,
        client=Cpu(
            ran_ns=sum(trial.client.ran_ns for trial in trials),
            waited_ns=sum(trial.client.waited_ns for trial in trials),
        ),
        processes=sum(trial.processes for trial in trials),
        longest_gc_ns=max(trial.longest_gc_ns for trial in trials),
        first=all(trial.first for trial in trials),
    )
