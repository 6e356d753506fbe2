"""Scoped routes on the wire, in both lanes: the scope's backends, or nobody."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import MODEL, Stack, eventually, serving
from tests.fixtures.wire import Reply, chat, connected, get, port_of, post

OTHER = "other-model"
# What stops, empties or changes an engine: never behind a scope either.
DEADLY = (
    "/terminate", "/shutdown", "/health/drain", "/health/resume", "/slots/0?action=erase", "/sleep",
    "/wake_up", "/flush_cache", "/update_weights_from_disk", "/models/load",
    "/abort_request", "/reset_prefix_cache", "/v1/load_lora_adapter", "/props", "/metrics",
)  # fmt: skip


@pytest.fixture
async def fleet(free_port: Callable[[], int]) -> AsyncIterator[tuple[Stack, Engine, Engine]]:
    """Return a proxy over `a` (vllm) and `b` (openai), which share one of their models."""
    async with AsyncExitStack() as open_:
        one = await open_.enter_async_context(running(Profile(models=(MODEL,))))
        two = await open_.enter_async_context(running(Profile(models=(MODEL, OTHER))))
        document = (
            f"backends:\n  - {{name: a, url: '{one.url}', type: vllm}}\n"
            f"  - {{name: b, url: '{two.url}', type: openai}}\nlimits: {{queue_timeout: 200ms}}\n"
        )
        yield await open_.enter_async_context(serving(document, free_port)), one, two


async def sent(stack: Stack, data: bytes) -> Reply:
    """Send one message on a connection of its own and return the answer."""
    async with connected(port_of(stack)) as wire:
        wire.send(data)
        return await wire.answer()


async def test_calls_stay_within_their_scope(fleet: tuple[Stack, Engine, Engine]) -> None:
    stack, one, two = fleet

    for scope, name in (("a", b"a"), ("vllm", b"a"), ("b", b"b"), ("openai", b"b")):
        for _ in range(3):
            path = f"/to/{scope}/v1/chat/completions"
            reply = await sent(stack, post(chat(), path=path))
            assert (reply.status, reply.field(b"x-headrace-backend")) == (200, name)
    assert (len(one.requests), len(two.requests)) == (6, 6)
    assert {record.path for record in (*one.requests, *two.requests)} == {"/v1/chat/completions"}


async def test_a_scope_lists_its_models(fleet: tuple[Stack, Engine, Engine]) -> None:
    stack, _, _ = fleet

    async def models(path: str) -> list[str]:
        async with stack.client.get(path) as answer:
            return [model["id"] for model in (await answer.json())["data"]]

    assert await models("/v1/models") == [OTHER, MODEL]
    assert await models("/to/a/v1/models") == [MODEL]
    assert await models("/to/openai/v1/models") == [OTHER, MODEL]
    assert (await stack.client.get(f"/to/b/v1/models/{OTHER}")).status == 200
    assert (await stack.client.get(f"/to/a/v1/models/{OTHER}")).status == 404


@pytest.mark.parametrize(
    "scope", ["", "nope", "A", "a%20", "%61", "..", ".", "a%2f..%2fb", "a\\..\\b", "sglang"]
)
async def test_an_unknown_scope_is_404_in_both_lanes(
    fleet: tuple[Stack, Engine, Engine], scope: str
) -> None:
    stack, one, two = fleet
    path = f"/to/{scope}/v1/chat/completions"

    call = await sent(stack, post(chat(), path=path))
    page = await sent(stack, get(f"/to/{scope}/v1/models"))

    assert (call.status, call.code) == (404, "scope_not_found")
    assert "but a, b, openai, vllm" in call.json["error"]["message"]
    assert page.status == 404
    assert page.code == ("scope_not_found" if scope else "path_not_found")
    assert [len(one.requests), len(two.requests)] == [0, 0]


async def test_an_unknown_scope_is_told_in_the_callers_dialect(
    fleet: tuple[Stack, Engine, Engine],
) -> None:
    stack, _, _ = fleet

    reply = await sent(stack, post(b'{"model":"m"}', path="/to/no/v1/messages"))

    assert reply.status == 404
    assert (reply.json["type"], reply.json["error"]["code"]) == ("error", "scope_not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/to", "/to/", "/to/a", "/to/a/", "/TO/a/v1/chat/completions", "//to/a/v1/chat/completions",
        "/to/a//v1/chat/completions",
        "/to/a/../v1/chat/completions", "/to/a/../b/v1/chat/completions",
        "/to/a/%2e%2e/b/v1/chat/completions", "/to/a%2Fv1/chat/completions",
        "/to%2Fa/v1/chat/completions",
        "/to/a/to/b/v1/chat/completions", "/to/a/v1%2Fchat/completions",
        "/to/a/V1/chat/completions",
        "/to/a/v1/chat/completions/", "/to/a;b/../v1/chat/completions",
        "/to/a/./v1/chat/completions",
        *(f"/to/a{path}" for path in DEADLY), *DEADLY,
    ],
)  # fmt: skip
async def test_no_path_leads_anywhere_else(fleet: tuple[Stack, Engine, Engine], path: str) -> None:
    stack, one, two = fleet

    for data in (post(chat(), path=path), get(path)):
        reply = await sent(stack, data)
        assert reply.status in {400, 404}, reply
        assert reply.code in {"path_not_found", "bad_request", "scope_not_found"}
    assert [len(one.requests), len(two.requests)] == [0, 0]


async def test_a_scope_that_is_down_is_503_though_another_backend_could_serve(
    fleet: tuple[Stack, Engine, Engine],
) -> None:
    stack, one, two = fleet
    await one.stop()
    backend = next(b for b in stack.instance.backends() if b.name == "a")
    path = "/to/a/v1/chat/completions"

    first = await sent(stack, post(chat(), path=path))
    await eventually(lambda: not backend.available(stack.instance.now()))
    later = await sent(stack, post(chat(), path=path))

    assert first.status in {502, 503}
    assert (later.status, later.code) == (503, "queue_timeout")
    assert later.field(b"retry-after")
    assert not len(two.requests)
