"""Other clients than OpenAI's to a real mlx-lm server: all that they say and hear is translated."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import ollama
import openai
import orjson
import pytest
from anthropic.types import MessageParam

from tests.fixtures.process import ProxyProcess, proxy_process
from tests.real.servers import Start
from tests.real.test_failover import chat, collect
from tests.real.test_mlx import alias
from tests.real.test_openai_sdk import HELLO as PLAIN
from tests.real.test_openai_sdk import MODEL
from tests.real.tiny_model import SENTENCE, WORDS

FreePort = Callable[[], int]
HELLO: list[MessageParam] = [{"role": "user", "content": "Hello there"}]


@pytest.fixture
async def proxy(
    start_mlx: Start, sentence_folder: Path, free_port: FreePort
) -> AsyncIterator[ProxyProcess]:
    engine = await asyncio.to_thread(start_mlx, sentence_folder)
    async with proxy_process([engine.url], free_port, alias(sentence_folder)) as running:
        yield running


async def test_anthropics_ollamas_and_the_responses_client(
    proxy: ProxyProcess, sentence_folder: Path
) -> None:
    asked: dict[str, Any] = {"model": MODEL, "max_tokens": 99}
    async with anthropic.AsyncAnthropic(base_url=proxy.url, api_key="none", max_retries=0) as sdk:
        message = await sdk.messages.create(**asked, messages=HELLO)
        async with sdk.messages.stream(**asked | {"max_tokens": 5}, messages=HELLO) as stream:
            short = await stream.get_final_message()
    async with ollama.AsyncClient(host=proxy.url) as sdk:
        answer = await sdk.chat(MODEL, HELLO, options={"num_predict": 99})
        lines = [line async for line in await sdk.chat(MODEL, HELLO, stream=True)]
    async with openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key="none") as sdk:
        response = await sdk.responses.create(model=MODEL, input="Hello there")
        by_path = await sdk.chat.completions.create(model=str(sentence_folder), messages=PLAIN)

    assert [block.text for block in message.content if block.type == "text"] == [SENTENCE]
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == len(WORDS) + 1
    assert [block.text for block in short.content if block.type == "text"] == [" ".join(WORDS[:5])]
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 5)
    assert answer.message.content == SENTENCE
    assert "".join(line.message.content or "" for line in lines) == SENTENCE
    assert (lines[-1].done, lines[-1].done_reason) == (True, "stop")
    assert response.output_text == SENTENCE
    assert by_path.choices[0].message.content == SENTENCE


async def test_a_body_without_a_length(proxy: ProxyProcess) -> None:
    """mlx-lm itself refuses one with 411."""

    async def pieces() -> AsyncIterator[bytes]:
        whole = orjson.dumps(chat(max_tokens=3))
        for at in range(0, len(whole), 20):
            yield whole[at : at + 20]

    headers = {"content-type": "application/json"}
    url = f"{proxy.url}/v1/chat/completions"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=pieces(), headers=headers) as answer,
    ):
        body = await answer.json()

    assert body["choices"][0]["message"]["content"].split() == WORDS[:3]


async def test_translated_streams_that_are_cut_end_with_an_error(
    start_mlx: Start, endless_folder: Path, free_port: FreePort
) -> None:
    engine = await asyncio.to_thread(start_mlx, endless_folder)
    three = asyncio.Barrier(3)

    async with (
        proxy_process([engine.url], free_port, alias(endless_folder)) as proxy,
        aiohttp.ClientSession() as http,
    ):

        async def cut(path: str, asked: dict[str, object]) -> dict[str, Any]:
            received = bytearray()
            body = {"model": MODEL, "stream": True, **asked}
            async with http.post(f"{proxy.url}{path}", json=body) as answer:
                while b"water" not in received:
                    assert not answer.content.at_eof(), received
                    received += await answer.content.readany()
                await three.wait()
                engine.kill()
                with pytest.raises(aiohttp.ClientPayloadError):
                    await collect(answer, received)
            last: dict[str, Any] = orjson.loads(
                bytes(received).rstrip().rpartition(b"\n")[2].removeprefix(b"data: ")
            )
            return last

        message, line, event = await asyncio.gather(
            cut("/v1/messages", {"messages": HELLO, "max_tokens": 3000}),
            cut("/api/chat", {"messages": HELLO, "options": {"num_predict": 3000}}),
            cut("/v1/responses", {"input": "Hello there", "max_output_tokens": 3000}),
        )

    assert (message["type"], message["error"]["type"]) == ("error", "api_error")
    assert line["error"]
    assert "done" not in line
    assert event["type"] in {"error", "response.failed"}
