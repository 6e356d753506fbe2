"""The process as an operator meets it: load, crashes of engines, signals, bad starts."""

import asyncio
import collections
import json
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from tests.fixtures.process import ProxyProcess, proxy_process, settings_file, start

MODEL = "simulated-model"
NAMES = ("engine-0", "engine-1")
CLIENTS = 20
FreePort = Callable[[], int]


def profile(port: int = 0, **changes: object) -> Profile:
    """Return a simulated engine that answers quickly."""
    facts: dict[str, object] = {"models": (MODEL,), "pace": 0.003, "output_tokens": 8, "port": port}
    return Profile(**{**facts, **changes})  # type: ignore[arg-type] # the fields are checked there


def chat(*, stream: bool, tokens: int = 8) -> dict[str, object]:
    """Return a request body."""
    return {
        "model": MODEL,
        "stream": stream,
        "max_tokens": tokens,
        "messages": [{"role": "user", "content": "hi"}],
    }


class Tally:
    """What clients saw."""

    def __init__(self) -> None:
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.served: list[str] = []  # by whom
        self.over = False

    async def has(self, count: int, *, of: set[str], since: int = 0) -> bool:
        """Tell whether all of these have served, so often together."""
        served = [name for name in self.served[since:] if name in of]
        return len(served) >= count and set(served) == of

    async def request(self, client: aiohttp.ClientSession, url: str, *, stream: bool) -> None:
        """Send one request and note how it ended."""
        begun = False
        try:
            async with client.post(
                f"{url}/v1/chat/completions", json=chat(stream=stream)
            ) as answer:
                async for piece in answer.content.iter_any():
                    begun = begun or bool(piece)
                self.served.append(answer.headers["x-headrace-backend"])
                self.outcomes["ok" if answer.status == 200 else f"status {answer.status}"] += 1
        except (aiohttp.ClientError, OSError) as error:
            where = "after" if begun else "before"
            self.outcomes[f"{where} the first byte: {type(error).__name__}"] += 1


async def load(tally: Tally, url: str, clients: int) -> None:
    """Keep so many clients asking, half of them for streams, whatever becomes of it."""

    async def ask(client: aiohttp.ClientSession, number: int) -> None:
        while not tally.over:
            await tally.request(client, url, stream=number % 2 == 0)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client, asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(ask(client, number))


async def test_no_client_notices_that_one_of_two_engines_is_killed(free_port: FreePort) -> None:
    lasting, doomed = await start_engine(profile()), await start_engine(profile())
    port = int(doomed.url.rpartition(":")[2])
    tally = Tally()
    try:
        async with (
            proxy_process([lasting, doomed], free_port) as proxy,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(load(tally, proxy.url, CLIENTS))
            await until(lambda: tally.has(200, of=set(NAMES)))
            doomed.kill()
            await doomed.stop()
            before = len(tally.served)
            await until(lambda: tally.has(300, of={NAMES[0]}, since=before))
            doomed = await start_engine(profile(port=port))
            before = len(tally.served)
            await until(lambda: tally.has(1, of={NAMES[1]}, since=before))
            tally.over = True
    finally:
        await lasting.stop()
        await doomed.stop()
    unserved = {o: n for o, n in tally.outcomes.items() if not o.startswith(("ok", "after"))}
    assert not unserved, tally.outcomes
    assert tally.outcomes["ok"] > 500, tally.outcomes
    assert tally.outcomes.total() - tally.outcomes["ok"] <= CLIENTS  # begun when it was killed


@pytest.fixture
async def slow(free_port: FreePort) -> AsyncIterator[str]:
    """Start an engine whose streams last seconds."""
    engine = await start_engine(profile(pace=0.05, output_tokens=400))
    yield engine.url
    await engine.stop()


@asynccontextmanager
async def streaming(
    client: aiohttp.ClientSession, url: str, tokens: int
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Hold a streamed answer of which the first bytes are here."""
    body = chat(stream=True, tokens=tokens)
    answer = await client.post(f"{url}/v1/chat/completions", json=body)
    try:
        await answer.content.readline()
        yield answer
    finally:
        answer.close()


async def collect(answer: aiohttp.ClientResponse, received: bytearray) -> None:
    """Read to the end, keeping what came before an error."""
    async for piece in answer.content.iter_any():
        received += piece


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def unready(client: aiohttp.ClientSession, proxy: ProxyProcess) -> bool:
    """Tell whether the proxy says that it takes no more."""
    async with client.get(f"{proxy.admin}/readyz") as answer:
        return answer.status == 503 and "draining" in await answer.text()


async def test_sigterm_lets_running_streams_end_and_new_ones_in_for_a_while(
    slow: str, free_port: FreePort
) -> None:
    more = "drain: {delay: 4s, timeout: 60s}\n"
    async with proxy_process([slow], free_port, more) as proxy, aiohttp.ClientSession() as client:
        async with streaming(client, proxy.url, tokens=120) as answer:
            proxy.send(signal.SIGTERM)
            await until(lambda: unready(client, proxy))
            async with streaming(client, proxy.url, tokens=2) as late:
                assert b"data: [DONE]" in await late.read()
            assert (await answer.read()).endswith(b"data: [DONE]\n\n")
        assert await proxy.ended() == 0
        assert {line["end"] for line in proxy.access_lines() if line["method"] == "POST"} == {"--"}


async def test_streams_longer_than_the_drain_are_told_and_not_ended_cleanly(
    slow: str, free_port: FreePort
) -> None:
    more = "drain: {delay: 0s, timeout: 500ms}\n"
    async with proxy_process([slow], free_port, more) as proxy, aiohttp.ClientSession() as client:
        received = bytearray()
        async with streaming(client, proxy.url, tokens=400) as answer:
            proxy.send(signal.SIGTERM)
            with pytest.raises(aiohttp.ClientPayloadError):
                await collect(answer, received)
        assert b'"code":"draining"' in received
        assert b"[DONE]" not in received
        assert await proxy.ended() == 0


async def test_a_second_signal_cuts_the_drain_short(slow: str, free_port: FreePort) -> None:
    more = "drain: {delay: 0s, timeout: 60s}\n"
    async with proxy_process([slow], free_port, more) as proxy, aiohttp.ClientSession() as client:
        async with streaming(client, proxy.url, tokens=400) as answer:
            proxy.send(signal.SIGTERM)
            await until(lambda: unready(client, proxy))
            proxy.send(signal.SIGTERM)
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        assert await proxy.ended() == 0


def test_a_broken_configuration_starts_nothing(tmp_path: Path, free_port: FreePort) -> None:
    config = settings_file(tmp_path, ["http://127.0.0.1:1/"], "limits: {bodyy: 1MiB, queue: -1}\n")
    port = free_port()

    process = start(["serve", "-c", str(config), "--listen", f"127.0.0.1:{port}"], tmp_path)

    assert process.wait(60) == 2
    told = (tmp_path / "err").read_text() + (tmp_path / "out").read_text()
    assert "limits.bodyy" in told
    assert "limits.queue" in told


def test_a_taken_address_is_told(tmp_path: Path, free_port: FreePort) -> None:
    config = settings_file(tmp_path, ["http://127.0.0.1:1"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        process = start(["serve", "-c", str(config), "--listen", address], tmp_path)

        assert process.wait(60) == 1
    assert json.loads((tmp_path / "err").read_text().splitlines()[0])["address"] == address
