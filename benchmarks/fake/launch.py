"""Starts simulated engines as child processes and ends exactly those."""

import asyncio
import contextlib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence

import msgspec

from benchmarks.fake.__main__ import Ready, command
from benchmarks.fake.profile import Profile

_START_SECONDS = 15.0
_STOP_SECONDS = 5.0


class Child:
    """One running simulated engine: `name`, `url`, `admin_url`, `pid`."""

    __slots__ = ("_process", "ready")

    def __init__(self, process: Process, ready: Ready) -> None:
        self._process = process
        self.ready = ready

    @property
    def name(self) -> str:
        """The name of its profile."""
        return self.ready.name

    @property
    def url(self) -> str:
        """Its base address."""
        return self.ready.url

    @property
    def admin_url(self) -> str:
        """Where `/fake/*` answers whatever the faults do."""
        return self.ready.admin_url

    @property
    def pid(self) -> int:
        """Its process id, for measuring its CPU time."""
        return self.ready.pid

    def kill(self) -> None:
        """End it the hard way; its clients see resets."""
        if self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """End it and wait; kills it if it does not go within five seconds."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


async def start(profile: Profile) -> Child:
    """Start one engine and wait until it listens; raises OSError with its words if it does not."""
    process = await asyncio.create_subprocess_exec(
        *command(profile), "--json", "--until-stdin-closes", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    line = b""
    try:
        async with asyncio.timeout(_START_SECONDS):
            line = await process.stdout.readline()
    except TimeoutError:
        process.kill()
    if not line:
        words = (await process.stderr.read()).decode(errors="replace").strip()
        await process.wait()
        raise OSError(words or f"no answer from process {process.pid}")
    return Child(process, msgspec.json.decode(line, type=Ready))


@contextlib.asynccontextmanager
async def launched(profiles: Sequence[Profile]) -> AsyncIterator[list[Child]]:
    """Run one process per profile; all are gone at the end, also when one fails to start."""
    async with contextlib.AsyncExitStack() as stack:
        children = []
        for profile in profiles:
            child = await start(profile)
            stack.push_async_callback(child.stop)
            children.append(child)
        yield children
