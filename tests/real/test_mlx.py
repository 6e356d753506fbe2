"""A real mlx-lm server: HTTP/1.0, answers that end by closing, a folder's path as the model's name.

Its `/health` says 200 before the model is loaded, it lists the model by the path it was given, and
only `[DONE]` tells a whole stream from a cut one.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import openai
import orjson
import pytest

from proxy.cli.embedded import Embedded
from tests.fixtures.process import ProxyProcess, proxy_process
from tests.real.conftest import StartEngine
from tests.real.servers import Server, Start
from tests.real.test_failover import asking, collect, eventually, text_of
from tests.real.test_openai_sdk import HELLO, MODEL, TOKENS
from tests.real.tiny_model import SENTENCE, WORDS

FreePort = Callable[[], int]


def alias(folder: Path) -> str:
    """Return settings that give the model of a folder a name."""
    return f"models: {{aliases: {{{MODEL}: ['{folder}']}}}}\n"


def client(proxy: ProxyProcess) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key="none", max_retries=0)


async def test_it_is_recognised_and_serves_by_a_name_of_ours(
    start_mlx: Start, sentence_folder: Path, free_port: FreePort
) -> None:
    engine = await asyncio.to_thread(start_mlx, sentence_folder)

    async with (
        proxy_process([engine.url], free_port, alias(sentence_folder)) as proxy,
        client(proxy) as sdk,
    ):
        listed = {model.id async for model in sdk.models.list()}
        answer = await sdk.chat.completions.create(model=MODEL, messages=HELLO)
        stream = await sdk.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        chunks = [chunk async for chunk in stream]
        plain = await sdk.completions.create(model=MODEL, prompt="Hello", max_tokens=3)
        with pytest.raises(openai.NotFoundError) as unknown:
            await sdk.chat.completions.create(model="not-there", messages=HELLO)
        async with aiohttp.ClientSession() as http, http.get(f"{proxy.admin}/status") as status:
            (backend,) = (await status.json())["backends"]

    assert backend["type"] == "mlx-lm"
    assert listed == {MODEL, str(sentence_folder)}
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == (SENTENCE, "stop")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == len(WORDS) + 1
    said = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert said == TOKENS
    assert plain.choices[0].text.split() == WORDS[:3]
    assert MODEL in unknown.value.message


async def test_a_stream_that_ends_without_its_mark_is_broken(
    start_mlx: Start, endless_folder: Path, free_port: FreePort
) -> None:
    engine = await asyncio.to_thread(start_mlx, endless_folder)

    async with (
        proxy_process([engine.url], free_port, alias(endless_folder)) as proxy,
        aiohttp.ClientSession() as http,
    ):
        received = bytearray()
        async with asking(http, proxy.url, stream=True, max_tokens=3000) as answer:
            while b"water" not in received:
                received += await answer.content.readany()
            engine.kill()
            with pytest.raises(aiohttp.ClientPayloadError):
                await collect(answer, received)

    assert text_of(bytes(received)).split()[:2] == WORDS[:2]
    assert b"[DONE]" not in received
    assert orjson.loads(bytes(received).rstrip().rpartition(b"data: ")[2])["error"]["message"]


async def test_it_stops_when_the_client_of_a_plain_answer_leaves(
    start_mlx: Start, endless_folder: Path, free_port: FreePort
) -> None:
    """mlx-lm looks for its client only as it writes: it is asked for a stream, which shows it."""
    engine = await asyncio.to_thread(start_mlx, endless_folder)

    async with (
        proxy_process([engine.url], free_port, alias(endless_folder)) as proxy,
        aiohttp.ClientSession() as http,
    ):
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(finished(http, proxy.url))
            idle = engine.cpu_seconds()
            await eventually(lambda: engine.cpu_seconds() > idle + 1.0)  # it is at work
            asked.cancel()
        async with asyncio.timeout(60):
            while await at_work(engine):
                pass


async def finished(http: aiohttp.ClientSession, url: str) -> bytes:
    """Ask for a plain answer that takes minutes."""
    async with asking(http, url, max_tokens=1_000_000) as answer:
        return await answer.read()


async def at_work(engine: Server) -> bool:
    """Tell whether an engine uses more than a fifth of a core for a second."""
    before = engine.cpu_seconds()
    await asyncio.sleep(1.0)
    return engine.cpu_seconds() - before > 0.2


async def test_it_fails_over_to_llama_cpp(
    start_mlx: Start,
    start_engine: StartEngine,
    sentence_folder: Path,
    sentence_model: Path,
    free_port: FreePort,
) -> None:
    doomed = await asyncio.to_thread(start_mlx, sentence_folder)
    lasting = await asyncio.to_thread(start_engine, Embedded(model=sentence_model, alias=MODEL))
    both = f"models: {{aliases: {{both: ['{sentence_folder}', {MODEL}]}}}}\n"

    async with (
        proxy_process([doomed.url, lasting.url], free_port, both) as proxy,
        client(proxy) as sdk,
    ):

        async def served() -> tuple[str | None, str]:
            raw = await sdk.chat.completions.with_raw_response.create(model="both", messages=HELLO)
            content = raw.parse().choices[0].message.content
            return content, raw.headers["x-headrace-backend"]

        assert await served() == (SENTENCE, "engine-0")
        doomed.kill()
        assert [await served() for _ in range(5)] == [(SENTENCE, "engine-1")] * 5
