"""Several simulated engines from one command, as processes."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from benchmarks.fake.launch import Ready
from tests.wire.test_fake_engine import get, port_of, send

WORDS = [sys.executable, "-m", "benchmarks.fake", "--instances", "2", "--json"]


@asynccontextmanager
async def fleet(*more: str) -> AsyncIterator[tuple[Process, list[Ready]]]:
    """Run two engines; the command is killed at the end if it has not ended."""
    process = await asyncio.create_subprocess_exec(*WORDS, *more, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(40):
            line = await process.stdout.readline()
        yield process, msgspec.json.decode(line, type=list[Ready])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def alive(pid: int) -> bool:
    """Tell whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_they_answer_by_their_own_names_and_end_together() -> None:
    async with fleet("--name", "twin") as (process, ready):
        answers = [await send(port_of(one.url), get("/v1/models")) for one in ready]
        process.terminate()
        async with asyncio.timeout(40):
            code = await process.wait()

    assert [one.name for one in ready] == ["twin-1", "twin-2"]
    assert [b"x-simulated-engine: twin-1" in answer for answer in answers] == [True, False]
    assert code == 0
    assert not any(alive(one.pid) for one in ready)


@pytest.mark.parametrize("lost", [1, 2])
async def test_the_command_ends_when_none_is_left(lost: int) -> None:
    async with fleet("--until-stdin-closes") as (process, ready):
        for one in ready[:lost]:
            os.kill(one.pid, signal.SIGKILL)
        if lost == 1:
            assert b" 200 " in await send(port_of(ready[1].url), get("/health"))
            assert process.stdin is not None
            process.stdin.close()
        async with asyncio.timeout(40):
            code = await process.wait()

    assert code == (0 if lost == 1 else 1)
    assert not any(alive(one.pid) for one in ready)
