"""Row 38: settings are read again under load, most of the time from a file that is broken."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import aiohttp

from benchmarks.fake.engine import running
from benchmarks.fake.profile import Profile
from tests.fixtures.chaos import whole
from tests.fixtures.process import proxy_process
from tests.fixtures.wire import Reply, chat, connected, post

Port = Callable[[], int]
ROUNDS = 30


async def test_row_38_a_hundred_reloads_cost_no_request(free_port: Port) -> None:
    replies: list[Reply] = []
    results: list[str] = []
    over = False
    async with running(Profile(pace=0.005)) as engine, proxy_process([engine.url], free_port) as it:
        port = int(it.url.rpartition(":")[2])
        file: Path = it._logs / "headrace.yaml"
        good = file.read_text()

        async def client() -> None:
            while not over:
                async with connected(port) as wire:
                    wire.send(post(chat(4, stream=True)))
                    replies.append(await wire.answer())

        async def reload(text: str, session: aiohttp.ClientSession) -> None:
            file.write_text(text)
            async with session.post(f"{it.admin}/-/reload") as answer:
                results.append(json.loads(await answer.read())["result"])

        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as clients:
            for _ in range(4):
                clients.create_task(client())
            for number in range(ROUNDS):
                await reload(good[: len(good) // 2], session)  # half written
                await reload("", session)
                await reload("limits: [", session)
                await reload(good + f"limits: {{queue: {number + 1}}}\n", session)
            over = True

    assert results.count("applied") == ROUNDS
    assert len(results) == 4 * ROUNDS
    assert len(replies) > 20
    assert all(whole(reply, tokens=4) for reply in replies)
