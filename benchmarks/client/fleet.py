"""Several load-making processes that run one schedule together, for loads one core cannot make."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.client.dealing import Share, deal, merge
from benchmarks.client.drive import Progress
from benchmarks.client.drive import drive as drive_alone
from benchmarks.client.precedence import spare
from benchmarks.client.target import EndpointError, Target
from benchmarks.client.wire import (
    FROM_WORKER,
    SIZE,
    Begin,
    Ended,
    FromWorker,
    Order,
    Ready,
    Refused,
    Result,
    ToWorker,
    frame,
)
from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule

_LEAD_NS = 50_000_000  # between the last `Ready` and second 0: every worker must have heard of it
_STOP_SECONDS = 5.0
_ROOT = Path(__file__).resolve().parents[2]  # workers import what this process imports


class WorkerError(Exception):
    """A worker ended before it had told its result. What it wrote on stderr stands above."""


class _Worker:
    """A child process and the pipes to it."""

    __slots__ = ("_process", "ended")

    def __init__(self, process: Process) -> None:
        self._process = process
        self.ended = 0

    async def say(self, message: ToWorker) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(frame(message))
            await self._process.stdin.drain()
        except ConnectionError:
            raise WorkerError(f"load process {self._process.pid} is gone") from None

    async def hear(self) -> FromWorker:
        assert self._process.stdout is not None
        try:
            (length,) = SIZE.unpack(await self._process.stdout.readexactly(SIZE.size))
            return FROM_WORKER.decode(await self._process.stdout.readexactly(length))
        except asyncio.IncompleteReadError:
            raise WorkerError(f"load process {self._process.pid} ended early") from None

    async def stop(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Fleet:
    """Load-making processes, started once for many blocks. An async context manager."""

    __slots__ = ("_count", "_workers")

    def __init__(self, processes: int) -> None:
        self._count = processes
        self._workers: list[_Worker] = []

    async def __aenter__(self) -> Self:
        """Start the processes."""
        env = os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), *_inherited()])}
        try:
            for _ in range(self._count):
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "benchmarks.client.worker",
                    stdin=PIPE,
                    stdout=PIPE,
                    env=env,
                    start_new_session=True,
                )
                self._workers.append(_Worker(process))
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the processes."""
        await self.close()

    async def close(self) -> None:
        """End the processes; one that does not go within five seconds is killed."""
        workers, self._workers = self._workers, []
        await asyncio.gather(*(worker.stop() for worker in workers))

    async def drive(
        self,
        target: Target,
        schedule: Schedule,
        *,
        progress: Progress | None = None,
        warm: int = 0,
        timeout: float,
    ) -> Trial:
        """Send a schedule, dealt out, from one shared instant on; as `drive.drive` otherwise.

        Raises EndpointError, and WorkerError if a process ends early; after either the fleet must
        be closed.
        """
        shares = deal(schedule, self._count)
        workers = self._workers[: len(shares)]
        warms = [warm // len(shares) + (at < warm % len(shares)) for at in range(len(shares))]
        first = spare(len(shares))
        await asyncio.gather(
            *(
                worker.say(
                    Order(target=target, share=share, warm=count, timeout=timeout, first=first)
                )
                for worker, share, count in zip(workers, shares, warms, strict=True)
            )
        )
        for answer in await asyncio.gather(*(worker.hear() for worker in workers)):
            if isinstance(answer, Refused):
                raise EndpointError(answer.sentence)
            assert isinstance(answer, Ready)
        begin = Begin(at_ns=time.monotonic_ns() + _LEAD_NS)
        await asyncio.gather(*(worker.say(begin) for worker in workers))
        return merge(await self._results(workers, shares, progress))

    async def _results(
        self, workers: Sequence[_Worker], shares: Sequence[Share], progress: Progress | None
    ) -> list[Trial]:
        total = sum(len(share.indices) for share in shares)

        async def result(worker: _Worker) -> Trial:
            worker.ended = 0
            while True:
                match await worker.hear():
                    case Result(trial=trial):
                        return trial
                    case Ended(count=count):
                        worker.ended = count
                        if progress is not None:
                            progress(sum(one.ended for one in workers), total)
                    case Refused(sentence=sentence):
                        raise EndpointError(sentence)
                    case Ready():
                        raise WorkerError("a load process is ready for a second time")

        return list(await asyncio.gather(*(result(worker) for worker in workers)))


async def drive(
    target: Target,
    schedule: Schedule,
    *,
    processes: int,
    progress: Progress | None = None,
    warm: int = 0,
    timeout: float,
) -> Trial:
    """Send a schedule once from so many processes; one process is this one.

    For several blocks keep a `Fleet`: starting Python takes longer than many a block.
    """
    if processes <= 1:
        return await drive_alone(target, schedule, progress=progress, warm=warm, timeout=timeout)
    async with Fleet(processes) as fleet:
        return await fleet.drive(target, schedule, progress=progress, warm=warm, timeout=timeout)


def _inherited() -> list[str]:
    return [path for path in [os.environ.get("PYTHONPATH")] if path]
