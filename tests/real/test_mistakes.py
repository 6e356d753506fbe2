"""Mistakes of clients that a real llama.cpp answers 500: tried once, and nobody else suffers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.cli.embedded import Embedded
from tests.fixtures.process import proxy_process
from tests.real.conftest import StartEngine

MODEL = "sentence"
FreePort = Callable[[], int]
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
URL = f"data:image/png;base64,{PIXEL}"
SOURCE = {"type": "base64", "media_type": "image/png", "data": PIXEL}
USER = {"role": "user", "content": "hi"}
MISTAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "an image": (
        "/v1/chat/completions",
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": URL}}]}
            ]
        },
    ),
    "an image of Anthropic's": (
        "/v1/messages",
        {
            "max_tokens": 3,
            "messages": [{"role": "user", "content": [{"type": "image", "source": SOURCE}]}],
        },
    ),
    "an image of Ollama's": ("/api/chat", {"messages": [{**USER, "images": [PIXEL]}]}),
    "tools that are none": ("/v1/chat/completions", {"messages": [USER], "tools": "no"}),
    "a tool that is none": (
        "/v1/chat/completions",
        {"messages": [USER], "tools": [{"type": "function"}]},
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_is_told_once_and_harms_nobody(
    start_engine: StartEngine, sentence_model: Path, free_port: FreePort, mistake: str
) -> None:
    engines = [start_engine(Embedded(model=sentence_model, alias=MODEL)) for _ in range(2)]
    path, body = MISTAKES[mistake]

    async with (
        proxy_process([engine.url for engine in engines], free_port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        for _ in range(12):  # a breaker opens after five
            async with http.post(path, json={"model": MODEL, **body}) as answer:
                told = await answer.text()
                assert answer.status == 400, told
                assert answer.headers["x-headrace-attempts"] == "1"
                assert "not supported" in told or "parse tools" in told or "tools" in told
        good = {"model": MODEL, "messages": [USER], "max_tokens": 2}
        async with http.post("/v1/chat/completions", json=good) as answer:
            assert answer.status == 200
