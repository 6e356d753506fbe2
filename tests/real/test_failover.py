"""Real llama.cpp servers that crash, come back, load their model, and clients that leave."""

import asyncio
import collections
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest

from proxy.cli.embedded import Embedded
from tests.fixtures.process import ProxyProcess, proxy_process
from tests.real.conftest import RealEngine, StartEngine
from tests.real.tiny_model import SENTENCE

MODEL = "sentence"
FOREVER = 150_000  # tokens; half a minute and more
FreePort = Callable[[], int]


def chat(**more: object) -> dict[str, object]:
    """Return a request body."""
    return {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], **more}


def text_of(answer: bytes) -> str:
    """Return the text of a streamed answer."""
    events = [orjson.loads(line[6:]) for line in answer.splitlines() if line[:7] == b"data: {"]
    choices = [choice for event in events for choice in event.get("choices", ())]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@asynccontextmanager
async def asking(
    client: aiohttp.ClientSession, url: str, **more: object
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send a chat request and come back with the head of its answer."""
    async with client.post(f"{url}/v1/chat/completions", json=chat(**more)) as answer:
        yield answer


class Load:
    """Clients that stream one answer after the other, and what they saw."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.over = False
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.served: list[tuple[float, str]] = []  # when, by whom

    async def client(self) -> None:
        """Ask until told that it is over."""
        async with aiohttp.ClientSession() as client:
            while not self.over:
                received = bytearray()
                try:
                    await self._ask(client, received)
                    self.outcomes[_verdict(bytes(received))] += 1
                except (aiohttp.ClientError, OSError) as error:
                    begun = text_of(bytes(received)) or b'"error"' in received
                    when = "broken off after" if begun else "error before"
                    self.outcomes[f"{when} the first byte: {type(error).__name__}"] += 1

    async def _ask(self, client: aiohttp.ClientSession, received: bytearray) -> None:
        async with asking(client, self._url, stream=True) as answer:
            async for piece in answer.content.iter_any():
                received += piece
            answer.raise_for_status()
            self.served.append((time.monotonic(), answer.headers["x-headrace-backend"]))


def _verdict(answer: bytes) -> str:
    complete = answer.endswith(b"data: [DONE]\n\n") and text_of(answer) == SENTENCE
    return "complete" if complete else f"ended cleanly, but was {answer!r}"


async def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that tells nobody."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)


async def test_no_client_notices_that_one_of_two_real_engines_is_killed(
    start_engine: StartEngine, sentence_model: Path, free_port: FreePort
) -> None:
    wanted = Embedded(model=sentence_model, alias=MODEL, slots=4)
    lasting = await asyncio.to_thread(start_engine, wanted)
    doomed = await asyncio.to_thread(start_engine, wanted)
    again = Embedded(model=sentence_model, alias=MODEL, slots=4, port=doomed.port)

    async with proxy_process([lasting.url, doomed.url], free_port) as proxy:
        load = Load(proxy.url)
        async with asyncio.TaskGroup() as clients:
            for _ in range(6):
                clients.create_task(load.client())
            await eventually(lambda: _served_by(load, "engine-1") > 50)
            doomed.kill()
            killed = time.monotonic()
            await eventually(lambda: _served_by(load, "engine-0", since=killed) > 60)
            await asyncio.to_thread(start_engine, again)
            back = time.monotonic()
            await eventually(lambda: _served_by(load, "engine-1", since=back) > 0)
            load.over = True

    assert not {what for what in load.outcomes if what[:5] in {"error", "ended"}}, load.outcomes
    assert load.outcomes["complete"] > 100, load.outcomes


def _served_by(load: Load, name: str, since: float = 0.0) -> int:
    return sum(1 for when, backend in load.served if backend == name and when >= since)


async def test_a_stream_cut_in_the_middle_is_never_ended_cleanly(
    start_engine: StartEngine, endless_model: Path, free_port: FreePort
) -> None:
    engine = start_engine(Embedded(model=endless_model, alias=MODEL, context=1 << 18, slots=1))
    async with proxy_process([engine.url], free_port) as proxy, aiohttp.ClientSession() as client:
        received = bytearray()
        async with asking(client, proxy.url, stream=True, max_tokens=FOREVER) as answer:
            while b"water" not in received:  # a read may bring one token, or many
                received += await answer.content.readany()
            engine.kill()
            with pytest.raises(aiohttp.ClientPayloadError):
                await collect(answer, received)

    assert text_of(bytes(received)).startswith("Cold water")
    assert b"[DONE]" not in received
    last = orjson.loads(bytes(received).rstrip().rpartition(b"data: ")[2])
    assert last["error"]["message"]


async def collect(answer: aiohttp.ClientResponse, received: bytearray) -> None:
    """Read to the end, keeping what came before an error."""
    async for piece in answer.content.iter_any():
        received += piece


async def test_a_model_that_is_loading_is_waited_for(
    start_engine: StartEngine, sentence_model: Path, smollm2: Path, free_port: FreePort
) -> None:
    engine = start_engine(Embedded(model=sentence_model, alias=MODEL))
    big = Embedded(model=smollm2, alias=MODEL, port=engine.port)
    health: list[int] = []

    async with (
        proxy_process([engine.url], free_port) as proxy,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as client,
    ):
        engine.kill()
        await status_of(client, proxy.url)  # a failure lets the proxy look at once
        await until_noticed(client, proxy)
        async with asyncio.TaskGroup() as group:
            early = group.create_task(status_of(client, proxy.url))
            starting = group.create_task(asyncio.to_thread(start_engine, big))
            async with asyncio.timeout(60):
                while not {503, 200} & set(health):  # loading may be over between two looks
                    health.append(await health_of(client, engine.url))
            late = group.create_task(status_of(client, proxy.url))
            await starting

    assert 0 in health  # nothing listened when the early request came
    assert (await early, await late) == (200, 200)


async def health_of(client: aiohttp.ClientSession, url: str) -> int:
    """Return what an engine's health page says; 0 if nothing listens."""
    try:
        async with client.get(f"{url}/health") as answer:
            return answer.status
    except aiohttp.ClientError:
        return 0


async def status_of(client: aiohttp.ClientSession, url: str) -> int:
    """Return the status of a short answer."""
    async with asking(client, url, max_tokens=2) as answer:
        await answer.read()
        return answer.status


async def until_noticed(client: aiohttp.ClientSession, proxy: ProxyProcess) -> None:
    """Wait until the proxy is sure that its only engine is gone."""
    async with asyncio.timeout(40):
        while True:
            async with client.get(f"{proxy.admin}/status") as answer:
                (backend,) = (await answer.json())["backends"]
            if backend["state"] == "down":
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("stream", "end"), [(True, "CS"), (False, "CW")])
async def test_a_client_that_leaves_frees_the_slot(
    start_engine: StartEngine, endless_model: Path, free_port: FreePort, stream: bool, end: str
) -> None:
    engine = start_engine(Embedded(model=endless_model, alias=MODEL, context=1 << 18, slots=1))
    async with proxy_process([engine.url], free_port) as proxy, aiohttp.ClientSession() as client:
        asked = asyncio.create_task(hold(client, proxy.url, stream=stream))
        await until_busy(client, engine, busy=True)
        asked.cancel()
        left = time.monotonic()
        await until_busy(client, engine, busy=False)

        assert time.monotonic() - left < 25.0  # the answer would last longer
        async with asking(client, proxy.url, max_tokens=3) as answer:
            body = await answer.json()
        assert body["usage"]["completion_tokens"] == 3
        await eventually(lambda: len(ends(proxy)) == 2)
        assert ends(proxy) == [end, "--"]


def ends(proxy: ProxyProcess) -> list[object]:
    """Return how the calls ended."""
    return [line["end"] for line in proxy.access_lines() if line["method"] == "POST"]


async def hold(client: aiohttp.ClientSession, url: str, *, stream: bool) -> None:
    """Read an answer that does not end."""
    async with asking(client, url, stream=stream, max_tokens=FOREVER) as answer:
        async for _ in answer.content.iter_any():
            pass


async def until_busy(client: aiohttp.ClientSession, engine: RealEngine, *, busy: bool) -> None:
    """Wait until the engine's only slot is at work, or is not.

    Asks seldom: llama.cpp looks for clients that left only when it had nothing else to tell for a
    second.
    """
    async with asyncio.timeout(40):
        while True:
            async with client.get(f"{engine.url}/slots") as answer:
                (slot,) = await answer.json()
            if slot["is_processing"] is busy:
                return
            await asyncio.sleep(1.5)


async def test_a_stream_is_what_the_engine_sent(
    start_engine: StartEngine, sentence_model: Path, free_port: FreePort
) -> None:
    engine = start_engine(Embedded(model=sentence_model, alias=MODEL))
    body = {
        "stream": True,
        "temperature": 1.0,
        "seed": 7,
        "cache_prompt": False,
        "stream_options": {"include_usage": True},
        "logprobs": True,
        "top_logprobs": 2,
    }
    async with proxy_process([engine.url], free_port) as proxy, aiohttp.ClientSession() as client:
        direct = await whole(client, engine.url, body)
        relayed = await whole(client, proxy.url, body)

    assert text_of(direct) == SENTENCE
    assert settled(relayed) == settled(direct)


async def whole(client: aiohttp.ClientSession, url: str, body: Mapping[str, object]) -> bytes:
    """Return the whole body of an answer."""
    async with asking(client, url, **body) as answer:
        return await answer.read()


def settled(answer: bytes) -> bytes:
    """Replace what differs between two answers to the same request."""
    answer = re.sub(rb'"id":"chatcmpl-\w+"', b'"id":"?"', answer)
    answer = re.sub(rb'"created":\d+', b'"created":0', answer)
    return re.sub(rb'"timings":\{[^}]*\}', b'"timings":{}', answer)
