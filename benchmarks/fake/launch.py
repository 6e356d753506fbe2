"""Starts engines as child processes and ends exactly those.

A child says on its first line that it is ready (`Ready` as JSON), and it goes when its stdin ends,
so that no engine outlives the process that started it, however that one ends.
"""

import asyncio
import contextlib
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence

import msgspec

from benchmarks.fake.profile import Profile

_START_SECONDS = 60.0
_STOP_SECONDS = 5.0


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What a child prints once it listens."""

    name: str
    url: str
    admin_url: str = ""
    pid: int


class Child:
    """One running engine: `name`, `url`, `admin_url`, `pid`."""

    __slots__ = ("_process", "ready")

    def __init__(self, process: Process, ready: Ready) -> None:
        self._process = process
        self.ready = ready

    @property
    def name(self) -> str:
        """What it is called."""
        return self.ready.name

    @property
    def url(self) -> str:
        """Its base address."""
        return self.ready.url

    @property
    def admin_url(self) -> str:
        """Where `/fake/*` answers; empty for an engine that is not simulated."""
        return self.ready.admin_url

    @property
    def pid(self) -> int:
        """Its process id, for measuring its CPU time."""
        return self.ready.pid

    async def ended(self) -> int:
        """Wait until it has ended, for whatever reason; returns its exit code, -N for signal N."""
        return await self._process.wait()

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


def command(profile: Profile) -> list[str]:
    """Return the words that start this profile as a process."""
    words = [sys.executable, "-m", "benchmarks.fake"]
    for field in msgspec.structs.fields(Profile):
        value, name = getattr(profile, field.name), f"--{field.name.replace('_', '-')}"
        if field.name == "models":
            words += [word for model in value for word in ("--model", model)]
        elif value is True:
            words.append(name)
        elif value is not False and value is not None:
            words += [name, str(value)]
    return words


async def spawn(words: Sequence[str]) -> Child:
    """Start a command and wait for its `Ready`.

    Raises OSError with what the command wrote on stderr when it ends without, or is not ready
    within a minute. The child has its own session: Ctrl-C in a terminal reaches only its parent.
    """
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=PIPE, stdout=PIPE, stderr=errors, start_new_session=True
        )
        assert process.stdout is not None
        line = b""
        try:
            async with asyncio.timeout(_START_SECONDS):
                line = await process.stdout.readline()
        finally:
            if not line and process.returncode is None:
                process.kill()
        if line:
            return Child(process, msgspec.json.decode(line, type=Ready))
        await process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
        raise OSError(said or f"process {process.pid} ended without a word")


async def start(profile: Profile) -> Child:
    """Start one simulated engine and wait until it listens; raises OSError as `spawn` does."""
    return await spawn([*command(profile), "--json", "--until-stdin-closes"])


@contextlib.asynccontextmanager
async def launched(profiles: Sequence[Profile]) -> AsyncIterator[list[Child]]:
    """Run one process per profile; all are gone at the end, also when one fails to start."""
    results = await asyncio.gather(*map(start, profiles), return_exceptions=True)
    children = [result for result in results if isinstance(result, Child)]
    try:
        for result in results:
            if isinstance(result, BaseException):
                raise result
        yield children
    finally:
        await asyncio.gather(*(child.stop() for child in children))
