"""Streams of real llama.cpp servers that are killed in the middle, and go on at another one.

With a real model: the known one of the other tests cannot read its own words, because its
vocabulary has no pieces of them.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from proxy.cli.embedded import Embedded
from tests.fixtures.process import proxy_process
from tests.fixtures.stack import eventually
from tests.real.conftest import RealEngine, StartEngine

MODEL = "smollm2"
TOKENS = 96
BEGUN = 24  # events after which the engine is killed
COUNTING = ", ".join(map(str, range(1, 40)))
# A small model knows what comes next only if it has seen it: else its first word is a toss-up, and
# falls otherwise at another engine.
TALK = [
    {"role": "user", "content": "Count to 39."},
    {"role": "assistant", "content": COUNTING},
    {"role": "user", "content": "Count to 39."},
]
FreePort = Callable[[], int]
Doom = Callable[[str], None]


def text_of(event: dict[str, Any]) -> str:
    """Return the text in an event of a chat, of a text completion or of a message."""
    if "type" in event:
        return str(event.get("delta", {}).get("text", ""))
    (choice,) = event["choices"] or [{}]
    return choice.get("text") or choice.get("delta", {}).get("content") or ""


async def streamed(
    client: aiohttp.ClientSession, url: str, body: dict[str, Any], doom: Doom | None = None
) -> tuple[list[dict[str, Any]], bytes]:
    """Return the events of an answer and its end; `doom` hears in the middle who began it."""
    found: list[dict[str, Any]] = []
    last = b""
    async with client.post(url, json=body) as answer:
        async for line in answer.content:
            last = line.strip() or last
            if line[:7] == b"data: {":
                found.append(orjson.loads(line[6:]))
                if doom is not None and len(found) == BEGUN:
                    doom(answer.headers["x-headrace-backend"])
    return found, last


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (
            "/v1/chat/completions",
            {"messages": TALK},
        ),
        ("/v1/completions", {"prompt": COUNTING}),
    ],
    ids=["chat", "text"],
)
async def test_the_other_engine_ends_what_a_killed_one_began(
    start_engine: StartEngine,
    smollm2: Path,
    free_port: FreePort,
    path: str,
    asked: dict[str, Any],
) -> None:
    wanted = Embedded(model=smollm2, alias=MODEL, slots=1)
    engines: dict[str, RealEngine] = {
        f"engine-{number}": await asyncio.to_thread(start_engine, wanted) for number in range(2)
    }
    body = {
        **asked,
        "model": MODEL,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": TOKENS,
        "temperature": 0,
        "cache_prompt": False,  # llama.cpp: a prompt that is half known is computed otherwise
    }
    urls = [engine.url for engine in engines.values()]
    more = f"models: {{continue_streams: [{MODEL}]}}\n"
    async with proxy_process(urls, free_port, more) as proxy, aiohttp.ClientSession() as client:
        undisturbed, _ = await streamed(client, proxy.url + path, body)
        found, last = await streamed(
            client, proxy.url + path, body, lambda name: engines[name].kill()
        )
        await eventually(lambda: len(proxy.access_lines()) == 2)
        line = proxy.access_lines()[-1]

    assert "".join(map(text_of, found)) == "".join(map(text_of, undisturbed))
    assert last == b"data: [DONE]"
    assert not [event for event in found if "error" in event]
    assert len({event["id"] for event in found}) == 1
    for name in ("prompt_tokens", "completion_tokens"):
        assert found[-1]["usage"][name] == pytest.approx(undisturbed[-1]["usage"][name], abs=2)
    assert (line["continued"], line["end"]) == (1, "--")
    assert line["attempts"] in {2, 3}  # one more if a connection kept from before had been closed


async def test_a_message_goes_on_in_its_block(
    start_engine: StartEngine, smollm2: Path, free_port: FreePort
) -> None:
    wanted = Embedded(model=smollm2, alias=MODEL, slots=1)
    engines: dict[str, RealEngine] = {
        f"engine-{number}": await asyncio.to_thread(start_engine, wanted) for number in range(2)
    }
    body = {"model": MODEL, "stream": True, "messages": TALK, "max_tokens": TOKENS}
    body |= {"temperature": 0}
    urls = [engine.url for engine in engines.values()]
    more = f"models: {{continue_streams: [{MODEL}]}}\n"
    async with proxy_process(urls, free_port, more) as proxy, aiohttp.ClientSession() as client:
        url = f"{proxy.url}/v1/messages"
        undisturbed, _ = await streamed(client, url, body)
        found, _ = await streamed(client, url, body, lambda name: engines[name].kill())
        await eventually(lambda: len(proxy.access_lines()) == 2)
        line = proxy.access_lines()[-1]

    assert "".join(map(text_of, found)) == "".join(map(text_of, undisturbed))
    assert found[-1] == {"type": "message_stop"}
    kinds = [event["type"] for event in found]
    assert kinds.count("message_start") == kinds.count("content_block_start") == 1
    assert found[-2]["usage"]["output_tokens"] == pytest.approx(
        undisturbed[-2]["usage"]["output_tokens"], abs=2
    )
    assert (line["continued"], line["end"]) == (1, "--")
    assert line["attempts"] in {2, 3}  # one more if a connection kept from before had been closed
