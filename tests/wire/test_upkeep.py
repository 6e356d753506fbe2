"""One of two engines taken out of use while requests run, and put back."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest

from benchmarks.fake.engine import running
from benchmarks.fake.profile import Profile
from proxy.boot import tidying
from proxy.telemetry.reloads import Result
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving
from tests.fixtures.wire import SECONDS, Wire, chat, port_of, post


@pytest.fixture
async def stack(free_port: Callable[[], int]) -> AsyncIterator[Stack]:
    """Return a proxy over `a` and `b`, whose answers take their time."""
    async with AsyncExitStack() as open_:
        one = await open_.enter_async_context(running(Profile(pace=0.01)))
        two = await open_.enter_async_context(running(Profile(pace=0.01)))
        yield await open_.enter_async_context(serving(backends(one, two), free_port))


async def order(stack: Stack, path: str) -> tuple[int, dict[str, object]]:
    """Give an order at the admin address."""
    url = f"http://{stack.instance.settings.admin}/backends/{path}"
    async with aiohttp.ClientSession() as client, client.post(url) as answer:
        return answer.status, await answer.json()


async def served_by(stack: Stack) -> str:
    async with stack.ask(max_tokens=1) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["x-headrace-backend"]


async def test_a_stream_goes_on_where_nothing_new_is_sent(stack: Stack) -> None:
    wire = await Wire.open(port_of(stack))
    path = "/to/a/v1/chat/completions"
    wire.send(post(chat(100_000, stream=True, ignore_eos=True), path=path))
    await wire.head()

    status, shown = await order(stack, "a/drain?wait=1ms")

    assert (status, shown["state"], shown["in_flight"]) == (202, "draining", 1)
    assert {await served_by(stack) for _ in range(5)} == {"b"}
    await wire.reader.read(1 << 20)  # what has come before
    async with asyncio.timeout(SECONDS):
        await wire.reader.readuntil(b"data: ")
    wire.close()
    status, shown = await order(stack, "a/drain?wait=30s")
    assert (status, shown["in_flight"]) == (200, 0)


async def test_who_is_put_back_is_used_as_before(stack: Stack) -> None:
    await order(stack, "a/drain")

    status, shown = await order(stack, "a/resume?wait=30s")

    assert (status, shown["state"]) == (200, "ready")
    async with stack.client.post("/to/a/v1/chat/completions", data=chat(1)) as answer:
        assert answer.status == 200


async def test_a_scope_that_is_out_of_use_is_refused_and_says_so(stack: Stack) -> None:
    await order(stack, "a/drain")

    body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
    async with stack.client.post("/to/a/v1/chat/completions", json=body) as answer:
        told = (await answer.json())["error"]

    assert (answer.status, told["code"]) == (503, "no_backend_available")
    assert "out of use for now: a" in told["message"]
    assert answer.headers["Retry-After"]


async def test_an_order_outlasts_a_reload(stack: Stack) -> None:
    await order(stack, "a/drain")
    urls = [backend.url for backend in stack.instance.backends()]
    document = f"backends: [{{name: a, url: '{urls[1]}'}}, {{name: c, url: '{urls[0]}'}}]\n"

    assert (await stack.reload(document)).result is Result.APPLIED

    await eventually(lambda: stack.instance.backends()[1].available(stack.instance.now()))
    assert {await served_by(stack) for _ in range(5)} == {"c"}
    assert (await order(stack, "a/resume?wait=30s"))[0] == 200


@pytest.mark.setting("backends[].enabled")
async def test_who_is_not_enabled_is_out_of_use_until_a_reload_says_otherwise(
    stack: Stack,
) -> None:
    first, second = (backend.url for backend in stack.instance.backends())

    def document(enabled: str) -> str:
        return (
            f"backends: [{{name: a, url: '{first}', enabled: {enabled}}},"
            f" {{name: b, url: '{second}'}}]\n"
        )

    outcome = await stack.reload(document("false"))
    assert [change.path for change in outcome.changes] == ["backends[a].enabled"]
    assert {await served_by(stack) for _ in range(5)} == {"b"}
    status, shown = await order(stack, "a/resume")
    assert (status, "enabled is false" in str(shown["error"])) == (409, True)

    await stack.reload(document("true"))
    await eventually(lambda: stack.instance.backends()[0].available(stack.instance.now()))


async def test_garbage_is_looked_for_when_it_is_quiet(
    free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            looked.append(info["generation"])

    monkeypatch.setattr(tidying, "EVERY", 0.0)
    async with running(Profile()) as engine, serving(backends(engine), free_port):
        gc.callbacks.append(note)
        try:
            await eventually(lambda: 2 in looked)
        finally:
            gc.callbacks.remove(note)
