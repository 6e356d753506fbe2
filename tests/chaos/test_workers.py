"""Row 37: one worker of several is killed."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from tests.fixtures.crowd import TOKENS, FreePort, Load, metric, replaced, several, until, workers


@pytest.mark.slow
async def test_row_37_a_killed_worker_loses_its_own_requests_only(
    free_port: FreePort, tmp_path: Path
) -> None:
    """One connection for each request: what the kernel holds for nobody yet is lost by nobody."""
    engine = await start_engine(Profile(pace=0.01, output_tokens=TOKENS))
    try:
        async with (
            several((engine,), free_port, tmp_path) as proxy,
            asyncio.TaskGroup() as group,
        ):
            load = Load(proxy.url, fresh=True)
            group.create_task(load.run())
            await until(lambda: len(load.asked) > 60)
            before = await metric(proxy, "headrace_requests_total")
            index, pid = next(iter((await workers(proxy)).items()))

            killed_at = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            await replaced(proxy, index, pid)
            reached = len(load.asked)
            await until(lambda: len(load.asked) > reached + 60)
            load.over = True
    finally:
        await engine.stop()
    running = [each for each in load.errors() if each.began <= killed_at <= each.ended]
    assert load.errors() == running
    assert before > 0
