"""Engines below a path: checks, calls, uploads and WebSockets go there, and nowhere else."""

from collections.abc import Callable

import pytest

from tests.fixtures.aside import aside, document
from tests.fixtures.stack import MODEL, serving


@pytest.mark.setting("backends[].url")
async def test_every_request_goes_below_the_engine_s_path(free_port: Callable[[], int]) -> None:
    async with (
        aside(free_port, "/team/openai") as engine,
        serving(document(engine).replace("/team/openai", "/team/openai/v1/"), free_port) as stack,
    ):
        engine.gate.set()
        # It is ready, so its models were read there.
        chat = {"model": MODEL, "messages": []}
        async with stack.client.post("/v1/chat/completions", json=chat) as response:
            assert (await response.json())["path"] == "/team/openai/v1/chat/completions"
        async with stack.client.post("/v1/files?purpose=batch", data=b"x") as response:
            assert response.status == 200
        async with stack.client.ws_connect(f"/v1/realtime?model={MODEL}") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello"
        assert engine.last.path == f"/team/openai/v1/realtime?model={MODEL}"
