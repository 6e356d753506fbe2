"""A real llama.cpp router: one address, several models, loaded as they are asked for."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import aiohttp
import openai
import orjson
import pytest

from tests.fixtures.process import proxy_process
from tests.real.servers import Start
from tests.real.test_failover import asking, collect
from tests.real.test_mlx import client
from tests.real.test_openai_sdk import HELLO, MODEL, TOKENS
from tests.real.tiny_model import SENTENCE, WORDS

FreePort = Callable[[], int]
NAMES = ("alpha", "beta", "gamma")


@pytest.fixture
def models(tmp_path: Path, sentence_model: Path) -> Path:
    """Return a folder with the same model under three names."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(sentence_model, folder / f"{name}.gguf")
    return folder


async def states(url: str) -> dict[str, str]:
    """Return what the router says of its models."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/v1/models") as answer:
        listed = (await answer.json())["data"]
    return {each["id"]: each["status"]["value"] for each in listed}


async def test_every_model_is_served_whether_it_is_loaded_or_not(
    start_router: Start, models: Path, free_port: FreePort
) -> None:
    engine = await asyncio.to_thread(start_router, models)
    assert set((await states(engine.url)).values()) == {"unloaded"}

    async with proxy_process([engine.url], free_port) as proxy, client(proxy) as sdk:
        listed = {model.id async for model in sdk.models.list()}
        for name in NAMES:  # one more than it keeps loaded
            answer = await sdk.chat.completions.create(model=name, messages=HELLO)
            assert (answer.choices[0].message.content, answer.model) == (SENTENCE, name)
        stream = await sdk.chat.completions.create(model=NAMES[0], messages=HELLO, stream=True)
        chunks = [chunk async for chunk in stream]
        with pytest.raises(openai.NotFoundError) as unknown:
            await sdk.chat.completions.create(model="delta", messages=HELLO)
        async with aiohttp.ClientSession() as http, http.get(f"{proxy.admin}/status") as status:
            (backend,) = (await status.json())["backends"]

    assert listed == set(NAMES)
    said = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert said == TOKENS
    assert "alpha" in unknown.value.message
    assert backend["type"] == "llamacpp"
    assert backend["models"] == list(NAMES)
    assert list((await states(engine.url)).values()).count("loaded") <= 2


async def test_what_a_router_can_do_to_itself_is_out_of_reach(
    start_router: Start, models: Path, free_port: FreePort
) -> None:
    engine = await asyncio.to_thread(start_router, models)

    async with proxy_process([engine.url], free_port) as proxy, aiohttp.ClientSession() as http:
        for path in ("/models/load", "/models/unload", "/v1/models/load"):
            async with http.post(f"{proxy.url}{path}", json={"model": "alpha"}) as answer:
                assert answer.status in {404, 405}

    assert set((await states(engine.url)).values()) == {"unloaded"}


async def test_a_model_that_dies_breaks_its_stream_and_is_loaded_again(
    start_router: Start, endless_model: Path, tmp_path: Path, free_port: FreePort
) -> None:
    """The router lives on; only the child with the model is gone."""
    folder = tmp_path / "endless"
    folder.mkdir()
    shutil.copy(endless_model, folder / f"{MODEL}.gguf")
    engine = await asyncio.to_thread(start_router, folder)

    async with proxy_process([engine.url], free_port) as proxy, aiohttp.ClientSession() as http:
        received = bytearray()
        async with asking(http, proxy.url, stream=True, max_tokens=3000) as answer:
            while b"water" not in received:
                assert not answer.content.at_eof(), received
                received += await answer.content.readany()
            (child,) = engine.children()
            os.kill(child, signal.SIGKILL)
            with pytest.raises(aiohttp.ClientPayloadError):
                await collect(answer, received)
        # Until the router has noticed, it answers 500, which this client asks again for by itself.
        async with client(proxy) as sdk:
            again = await sdk.with_options(max_retries=5).chat.completions.create(
                model=MODEL, messages=HELLO, max_tokens=3
            )

    assert b"[DONE]" not in received
    assert orjson.loads(bytes(received).rstrip().rpartition(b"data: ")[2])["error"]["message"]
    assert (again.choices[0].message.content or "").split() == WORDS[:3]
