"""Several processes under load: killed, reloaded, replaced by a newer version, stopped."""

import asyncio
import collections
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

from benchmarks.fake.launch import Child
from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from tests.fixtures.process import ProxyProcess, running_from
from tests.fixtures.stack import MODEL

FreePort = Callable[[], int]
DONE = b"data: [DONE]\n\n"
TOKENS = 8
RATE = 60.0  # requests a second: two slow cores have this, the engines and the client to bear


class Asked(msgspec.Struct, kw_only=True):
    """One request and what became of it; `error` is empty if all went well."""

    began: float
    ended: float = 0.0
    error: str = ""


class Load:
    """Sends requests at a fixed rate, half of them streamed, over connections that are kept.

    `fresh`: each over a connection of its own.
    """

    def __init__(self, url: str, *, fresh: bool = False) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self.over = False
        self._fresh = fresh

    async def run(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, force_close=self._fresh)
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            asyncio.TaskGroup() as group,
        ):
            begin, number = time.monotonic(), 0
            while not self.over:
                number += 1
                await asyncio.sleep(max(0.0, begin + number / RATE - time.monotonic()))
                group.create_task(self._one(client, stream=number % 2 == 0))

    async def _one(self, client: aiohttp.ClientSession, *, stream: bool) -> None:
        asked = Asked(began=time.monotonic())
        self.asked.append(asked)
        try:
            async with client.post(
                f"{self.url}/v1/chat/completions", json=chat(TOKENS, stream=stream)
            ) as answer:
                body = await answer.read()
            good = body.endswith(DONE) if stream else json.loads(body)["usage"]
            asked.error = "" if answer.status == 200 and good else f"{answer.status} {body!r}"
        except (aiohttp.ClientError, OSError) as error:
            asked.error = repr(error)
        asked.ended = time.monotonic()

    def errors(self) -> list[Asked]:
        return [each for each in self.asked if each.error]


def chat(tokens: int, *, stream: bool) -> dict[str, object]:
    messages = [{"role": "user", "content": "hi"}]
    more = {"stream": stream, "max_tokens": tokens, "ignore_eos": True}
    return {"model": MODEL, "messages": messages, **more}


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Child, Child]]:
    """Two engines in processes of their own, with the same model."""
    profile = Profile(pace=0.01, output_tokens=TOKENS)
    one, two = await start_engine(profile), await start_engine(profile)
    yield one, two
    await one.stop()
    await two.stop()


@asynccontextmanager
async def several(
    engines: tuple[Child, ...], free_port: FreePort, folder: Path, more: str = "", count: int = 2
) -> AsyncIterator[ProxyProcess]:
    file = folder / "headrace.yaml"
    file.write_text(document(engines, more, count))
    async with running_from(file, free_port, len(engines)) as proxy:
        yield proxy


def document(engines: tuple[Child, ...], more: str = "", count: int = 2) -> str:
    listed = "".join(f"  - {{name: e{n}, url: '{e.url}'}}\n" for n, e in enumerate(engines))
    return f"workers: {count}\ndrain: {{delay: 500ms, timeout: 20s}}\nbackends:\n{listed}{more}"


async def status(proxy: ProxyProcess) -> dict[str, object]:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{proxy.admin}/status") as answer,
    ):
        return dict(json.loads(await answer.read()))


async def metric(proxy: ProxyProcess, name: str) -> float:
    """Return the sum of a metric over its labels."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{proxy.admin}/metrics") as answer,
    ):
        text = await answer.text()
    rows = [line.rpartition(" ") for line in text.splitlines() if line.startswith(name)]
    return sum(float(value) for label, _, value in rows if label.partition("{")[0] == name)


async def workers(proxy: ProxyProcess) -> dict[int, int]:
    """Return the process id of each worker."""
    rows = (await status(proxy))["workers"]
    assert isinstance(rows, list)
    return {row["worker"]: row["pid"] for row in rows}


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def replaced(proxy: ProxyProcess, index: int, pid: int) -> None:
    async with asyncio.timeout(20):
        while (await workers(proxy)).get(index, pid) == pid:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)


async def idle(proxy: ProxyProcess) -> dict[str, object]:
    """Wait until nothing is under way; return the status."""
    async with asyncio.timeout(10):
        while (found := await status(proxy))["in_flight"]:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
    return found


def logged(proxy: ProxyProcess, event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in proxy.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


async def test_a_killed_worker_loses_its_own_streams_only(
    pair: tuple[Child, Child], free_port: FreePort, tmp_path: Path
) -> None:
    async with several(pair, free_port, tmp_path) as proxy, asyncio.TaskGroup() as group:
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

    running = [each for each in load.errors() if each.began <= killed_at <= each.ended]
    assert load.errors() == running
    assert len(running) < 30
    assert before > 0


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
    file.write_text(f"workers: 2\nbackends: [{{name: e, url: '{engine.url}', max_in_flight: 3}}]\n")
    try:
        async with running_from(file, free_port) as proxy, asyncio.TaskGroup() as group:
            load = Load(proxy.url, fresh=True)
            group.create_task(load.run())
            seen: collections.Counter[int] = collections.Counter()
            while len(load.asked) < 120:
                row = (await status(proxy))["backends"][0]  # type: ignore[index]
                seen[row["in_flight"]] += 1
                await asyncio.sleep(0.01)
            load.over = True
        assert not load.errors()
        assert max(seen) >= 3, seen
        assert max(seen) <= 4, seen  # two may pick in the same microsecond
    finally:
        await engine.stop()


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
