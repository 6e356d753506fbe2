"""One headrace in front of another, and what would go round between two that name each other."""

from collections.abc import Callable

import orjson
import pytest

from benchmarks.fake.engine import running
from benchmarks.fake.profile import Profile
from proxy.core.headers import MOST_HOPS
from tests.fixtures.stack import MODEL, backends, serving
from tests.fixtures.wire import port_of

Port = Callable[[], int]
MESSAGES = [{"role": "user", "content": "hi"}]


async def test_an_engine_behind_two_is_told_of_both(free_port: Port) -> None:
    async with (
        running(Profile()) as engine,
        serving(backends(engine), free_port) as inner,
    ):
        document = f"backends: [{{url: 'http://127.0.0.1:{port_of(inner)}', name: inner}}]\n"
        async with serving(document, free_port) as outer, outer.ask() as answer:
            assert answer.status == 200
            await answer.read()

        seen = [value for name, value in engine.requests[-1].headers if name.lower() == b"via"]
        assert seen == [b"1.1 headrace", b"1.1 headrace"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/api/chat"])
async def test_what_goes_round_is_ended_in_the_callers_dialect(free_port: Port, path: str) -> None:
    async with running(Profile()) as engine, serving(backends(engine), free_port) as stack:
        via = ", ".join(["1.1 headrace"] * MOST_HOPS)
        body = {"model": MODEL, "messages": MESSAGES, "max_tokens": 3}
        async with stack.client.post(path, json=body, headers={"via": via}) as answer:
            said = orjson.loads(await answer.read())

        assert answer.status == 508
        assert "proxies like this one" in str(said["error"])
        assert not engine.requests
