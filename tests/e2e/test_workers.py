"""Several processes under load: reloaded, replaced by a newer version, stopped."""

import asyncio
import collections
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fake.launch import Child
from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from tests.fixtures.crowd import (
    DONE,
    TOKENS,
    FreePort,
    Load,
    chat,
    document,
    idle,
    logged,
    metric,
    replaced,
    several,
    status,
    until,
    workers,
)
from tests.fixtures.keyed import clients
from tests.fixtures.process import ProxyProcess, running_from


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Child, Child]]:
    """Two engines in processes of their own, with the same model."""
    profile = Profile(pace=0.01, output_tokens=TOKENS)
    one, two = await start_engine(profile), await start_engine(profile)
    yield one, two
    await one.stop()
    await two.stop()


async def test_counts_outlive_a_worker_and_nothing_is_left_of_what_it_held(
    pair: tuple[Child, Child], free_port: FreePort, tmp_path: Path
) -> None:
    async with several(pair, free_port, tmp_path) as proxy:
        load = Load(proxy.url, fresh=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            await until(lambda: len(load.asked) > 40)
            index, pid = next(iter((await workers(proxy)).items()))
            counts = [await metric(proxy, "headrace_requests_total")]
            os.kill(pid, signal.SIGKILL)
            for _ in range(10):
                counts.append(await metric(proxy, "headrace_requests_total"))
                await asyncio.sleep(0.05)
            await replaced(proxy, index, pid)
            load.over = True
        assert counts == sorted(counts)
        assert await metric(proxy, "headrace_workers_lost_total") == 1
        assert await metric(proxy, "headrace_workers") == 2
        found = await idle(proxy)
        assert [row["in_flight"] for row in found["backends"]] == [0, 0]  # type: ignore[attr-defined]


async def test_a_cap_holds_over_all_workers(free_port: FreePort, tmp_path: Path) -> None:
    engine = await start_engine(Profile(pace=0.02, output_tokens=TOKENS))
    file = tmp_path / "headrace.yaml"
    file.write_text(
        f"workers: 2\nbackends: [{{name: e, url: '{engine.url}', max_in_flight: 3}}]\n"
        "limits: {queue_timeout: 300s}\n"
    )
    try:
        async with running_from(file, free_port) as proxy, asyncio.TaskGroup() as group:
            load = Load(proxy.url, fresh=True)
            group.create_task(load.run())
            seen: collections.Counter[int] = collections.Counter()
            while len(load.asked) < 90:
                row = (await status(proxy))["backends"][0]  # type: ignore[index]
                seen[row["in_flight"]] += 1
                await asyncio.sleep(0.01)
            load.over = True
        assert not load.errors()
        assert max(seen) >= 3, seen
        assert max(seen) <= 4, seen  # two may pick in the same microsecond
    finally:
        await engine.stop()


async def test_a_key_s_requests_at_once_hold_over_all_workers_and_outlive_none(
    free_port: FreePort, tmp_path: Path
) -> None:
    engine = await start_engine(Profile(pace=0.05, output_tokens=100_000))
    file = tmp_path / "headrace.yaml"
    team = clients(team="concurrency: 3")
    file.write_text(f"workers: 2\nbackends: [{{name: e, url: '{engine.url}'}}]\n{team}")
    try:
        async with (
            running_from(file, free_port) as proxy,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as client,
        ):
            held: list[aiohttp.ClientResponse] = []

            async def ask() -> int:
                fields = {"authorization": "Bearer TEAM"}
                answer = await client.post(
                    f"{proxy.url}/v1/chat/completions",
                    json=chat(100_000, stream=True),
                    headers=fields,
                )
                if answer.status == 200:
                    held.append(answer)
                else:
                    answer.close()
                return answer.status

            statuses = [await ask() for _ in range(16)]
            assert statuses == [200] * 3 + [429] * 13

            # What a worker had under way when it was killed counts no more.
            index, pid = next(iter((await workers(proxy)).items()))
            os.kill(pid, signal.SIGKILL)
            await replaced(proxy, index, pid)
            left = len(held)
            async with asyncio.timeout(20):
                while await ask() != 429 or (await at_once(proxy)) < 3:  # noqa: ASYNC110 - of no event
                    await asyncio.sleep(0.05)
            assert [await ask() for _ in range(8)] == [429] * 8
            assert await at_once(proxy) == 3
            assert len(held) <= left + 3
            for answer in held:
                answer.close()
    finally:
        await engine.stop()


async def at_once(proxy: ProxyProcess) -> float:
    """Return how many requests of keys are under way."""
    return await metric(proxy, "headrace_key_in_flight")


async def test_a_reload_reaches_every_worker(
    pair: tuple[Child, Child], free_port: FreePort, tmp_path: Path
) -> None:
    async with several(pair[:1], free_port, tmp_path) as proxy:
        load = Load(proxy.url, fresh=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            await until(lambda: len(load.asked) > 30)
            (tmp_path / "headrace.yaml").write_text(document(pair[1:], "limits: {queue: 7}\n"))
            async with (
                aiohttp.ClientSession() as client,
                client.post(f"{proxy.admin}/-/reload") as answer,
            ):
                assert json.loads(await answer.read())["result"] == "applied"
            at = len(proxy.access_lines())
            reached = len(load.asked)
            await until(lambda: len(load.asked) > reached + 60)
            load.over = True
        assert not load.errors()
        await idle(proxy)
        assert at < len(proxy.access_lines())
        row = (await status(proxy))["backends"][0]  # type: ignore[index]
        assert pair[1].url == row["url"]
        assert not logged(proxy, "a worker has not put the new settings in force yet")


@pytest.mark.parametrize("count", [1, 2])
async def test_an_upgrade_refuses_and_loses_nobody(
    count: int, pair: tuple[Child, Child], free_port: FreePort, tmp_path: Path
) -> None:
    async with several(pair, free_port, tmp_path, count=count) as proxy:
        loads = [Load(proxy.url), Load(proxy.url, fresh=True)]
        async with asyncio.TaskGroup() as group:
            for load in loads:
                group.create_task(load.run())
            await until(lambda: len(loads[0].asked) > 40)
            proxy.send(signal.SIGUSR2)
            await until(lambda: logged(proxy, "successor serves: letting go"), 60)
            pid = int(str(logged(proxy, "successor started")[0]["pid"]))
            try:
                assert await proxy.ended() == 0
                reached = len(loads[0].asked)
                await until(lambda: len(loads[0].asked) > reached + 40)
                for load in loads:
                    load.over = True
                await until(lambda: all(each.ended for load in loads for each in load.asked))
            finally:
                for load in loads:
                    load.over = True
                os.kill(pid, signal.SIGTERM)
        await until(lambda: len(logged(proxy, "stopped")) == 2)
    assert [load.errors() for load in loads] == [[], []]


async def test_a_successor_that_cannot_start_changes_nothing(
    pair: tuple[Child, Child], free_port: FreePort, tmp_path: Path
) -> None:
    async with several(pair, free_port, tmp_path) as proxy, aiohttp.ClientSession() as client:
        (tmp_path / "headrace.yaml").write_text("limits: {queue: x}\n")
        proxy.send(signal.SIGUSR2)
        await until(lambda: logged(proxy, "no successor: this process serves on"), 60)
        url = f"{proxy.url}/v1/chat/completions"
        async with client.post(url, json=chat(2, stream=True)) as answer:
            assert (await answer.read()).endswith(DONE)


async def test_sigterm_lets_the_streams_of_all_workers_end(
    free_port: FreePort, tmp_path: Path
) -> None:
    engine = await start_engine(Profile(pace=0.05, output_tokens=40))
    try:
        async with several((engine,), free_port, tmp_path) as proxy:
            connector = aiohttp.TCPConnector(force_close=True)
            async with aiohttp.ClientSession(connector=connector) as client:
                url = f"{proxy.url}/v1/chat/completions"
                body = chat(30, stream=True)
                answers = [await client.post(url, json=body) for _ in range(12)]
                proxy.send(signal.SIGTERM)
                read = [await answer.read() for answer in answers]
            assert all(each.endswith(DONE) for each in read)
            assert await proxy.ended() == 0
            assert len(proxy.access_lines()) >= 12
    finally:
        await engine.stop()
