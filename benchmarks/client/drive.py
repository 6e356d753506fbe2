"""Runs one block of load from this process and returns what came of it."""

import os
import resource
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from benchmarks.client import sidelog
from benchmarks.client.calm import Pauses, calm
from benchmarks.client.course import Bounds, Course, Hooks
from benchmarks.client.dues import SECOND
from benchmarks.client.messages import Messages
from benchmarks.client.pacing import Agenda, agenda
from benchmarks.client.pool import Pool, route
from benchmarks.client.precedence import precedence, spare
from benchmarks.client.reading import Raw, Report, read
from benchmarks.client.target import Stamp, Target
from benchmarks.load.observed import Trial
from benchmarks.load.planned import Planned, Schedule
from benchmarks.measure import host

Progress = Callable[[int, int], None]  # ended, all

KEEP = (
    256 << 20
)  # bytes of reads kept until the block is over; beyond, requests are read as it runs
_READ_COST = 130  # bytes one read takes in memory beside its data
_LEAD_NS = SECOND // 50  # between the order to begin and second 0
_WARM = Planned(input_tokens=16, output_tokens=4)
_WARM_AT_ONCE = 32


class Shelf:
    """Ended requests: raw as long as memory allows, because reading them takes time from load."""

    __slots__ = ("_held", "_keep", "_raw", "_reports", "_target", "_weights")

    def __init__(self, target: Target, keep: int = KEEP) -> None:
        self._target = target
        self._keep = keep
        self._held = 0
        self._raw: deque[Raw] = deque()
        self._weights: deque[int] = deque()
        self._reports: list[Report] = []

    def put(self, raw: Raw) -> None:
        """Take an ended request; read the oldest one if there is no room for more."""
        weight = _READ_COST * len(raw.reads) + sum([len(data) for _, data in raw.reads])
        self._raw.append(raw)
        self._weights.append(weight)
        self._held += weight
        while self._held > self._keep:
            self._read()

    def reports(self) -> list[Report]:
        """Read the rest; return all, by place in the schedule."""
        while self._raw:
            self._read()
        return sorted(self._reports, key=lambda report: report.observed.index)

    def _read(self) -> None:
        self._held -= self._weights.popleft()
        self._reports.append(read(self._raw.popleft(), self._target))


class Block:
    """A block ready to begin: addresses found, requests built, connections open."""

    __slots__ = (
        "_agenda",
        "_calm",
        "_course",
        "_first",
        "_messages",
        "_pauses",
        "_pool",
        "_progress",
        "_requests",
        "_schedule",
        "_shelf",
        "_target",
        "_timeout",
    )

    def __init__(
        self,
        target: Target,
        schedule: Schedule,
        requests: Mapping[int, Planned],
        *,
        progress: Progress | None,
        timeout: float,
        first: bool = False,
    ) -> None:
        self._target = target
        self._schedule = schedule
        self._requests = requests
        self._progress = progress
        self._timeout = timeout
        self._first = first and schedule.concurrency is None
        self._messages = Messages(target, schedule, requests)
        self._shelf = Shelf(target)
        self._agenda: Agenda = agenda()
        self._calm = ExitStack()
        self._pauses = Pauses()
        self._pool: Pool | None = None
        self._course: Course | None = None

    async def prepare(self, warm: int) -> None:
        """Do everything that must not cost time once the block runs.

        Raises EndpointError for an address that cannot be found. A warm-up that fails is nothing to
        stop for: the block will show it.
        """
        allow_files()
        self._messages.fill(at_once=True)
        self._pool = Pool(
            await route(self._target), self._target.tls(), self._agenda, timeout=self._timeout
        )
        if warm:
            await self._warm(self._pool, warm)
        hooks = Hooks(message=self._messages, ended=self._shelf.put, tick=self._tick)
        self._course = Course(
            self._requests,
            self._pool,
            self._agenda,
            hooks,
            Bounds(
                limit=self._schedule.concurrency,
                timeout=self._timeout,
                until=self._schedule.until,
            ),
        )
        await self._course.prepare()
        # Collecting a large heap takes longer than there is between the order and second 0.
        self._pauses = self._calm.enter_context(calm(self._schedule.span))

    async def run(self, begin_ns: int) -> Trial:
        """Run it, `begin_ns` (CLOCK_MONOTONIC) being second 0, and read what came."""
        if self._course is None:
            raise RuntimeError("prepare comes before run")
        ran, waited = time.process_time_ns(), _waited()
        with precedence(wanted=self._first) as first:
            await self._course.run(begin_ns)
        wall = time.monotonic_ns() - begin_ns
        spent = host.Cpu(ran_ns=time.process_time_ns() - ran, waited_ns=max(0, _waited() - waited))
        self._calm.close()
        reports = self._shelf.reports()
        if self._target.stamp is Stamp.SIDELOG:
            tags = sidelog.tags(self._schedule.seed, [one.observed.index for one in reports])
            told = await sidelog.ask(self._target, tags, self._agenda, time.monotonic_ns())
            for report, line in zip(reports, told, strict=True):
                sidelog.apply(report, line)
        return Trial(
            observed=[report.observed for report in reports],
            began_ns=begin_ns,
            wall_ns=wall,
            client=spent,
            longest_gc_ns=self._pauses.longest_ns,
            first=first,
        )

    async def close(self) -> None:
        """Close all connections, give the interpreter its ways back."""
        self._calm.close()
        if self._pool is not None:
            await self._pool.close()
        self._agenda.close()

    async def _warm(self, pool: Pool, count: int) -> None:
        requests = dict.fromkeys(range(-count, 0), _WARM)
        hooks = Hooks(
            message=Messages(self._target, self._schedule, requests), ended=lambda _raw: None
        )
        bounds = Bounds(limit=min(count, _WARM_AT_ONCE), timeout=self._timeout)
        course = Course(requests, pool, self._agenda, hooks, bounds)
        await course.run(time.monotonic_ns())

    def _tick(self, ended: int) -> None:
        self._messages.fill()
        if self._progress is not None:
            self._progress(ended, len(self._requests))


async def drive(
    target: Target,
    schedule: Schedule,
    *,
    progress: Progress | None = None,
    warm: int = 0,
    timeout: float,
) -> Trial:
    """Send a schedule from this process and return what came of each request.

    `warm` small requests go before, outside the result. `timeout` seconds may pass between sending
    a request and its end. Run it on uvloop. Raises EndpointError for an address that cannot be
    found; what goes wrong later is a `failure` of the requests it met.
    """
    requests = dict(enumerate(schedule.requests))
    block = Block(target, schedule, requests, progress=progress, timeout=timeout, first=spare())
    try:
        await block.prepare(warm)
        return await block.run(time.monotonic_ns() + _LEAD_NS)
    finally:
        await block.close()


def allow_files() -> None:
    """Raise the limit of open files as far as it goes: a stream is a descriptor."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return


def _waited() -> int:
    return host.cpu([os.getpid()], descend=False).waited_ns
