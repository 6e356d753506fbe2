"""Engines of several dialects behind one proxy: failover between them; errors in every shape."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Dialect, Profile
from tests.fixtures.stack import MODEL, Stack, backends, serving

Port = Callable[[], int]
HELLO = [{"role": "user", "content": "hi"}]
ASKED: dict[str, dict[str, object]] = {
    "/v1/messages": {"model": MODEL, "max_tokens": 9, "messages": HELLO},
    "/v1/responses": {"model": MODEL, "input": "hi"},
    "/api/chat": {"model": MODEL, "messages": HELLO},
}
LAST_WORD = {
    "/v1/messages": b'"message_stop"}\n\n',
    "/v1/responses": b"response.completed",
    "/api/chat": b'"done":true',
}


@pytest.fixture(params=[("vllm", "tgi"), ("tgi", "vllm"), ("sglang", "mlx-lm")], ids="-".join)
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[list[Engine]]:
    async with AsyncExitStack() as opened:
        yield [
            await opened.enter_async_context(running(Profile(dialect=Dialect(kind))))
            for kind in request.param
        ]


@pytest.fixture
async def stack(pair: list[Engine], free_port: Port) -> AsyncIterator[Stack]:
    """Return a proxy that prefers the first engine."""
    document = backends(*pair).replace("name: b", "name: b\n    priority: 1")
    async with serving(document, free_port) as stack:
        yield stack


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("streamed", [True, False])
async def test_an_engine_that_fails_is_replaced_by_one_of_another_dialect(
    stack: Stack, pair: list[Engine], path: str, streamed: bool
) -> None:
    pair[0].faults.set(Fault(kind=Kind.ERROR_FIRST) if streamed else Fault(kind=Kind.CLOSE))

    async with stack.client.post(path, json={**ASKED[path], "stream": streamed}) as answer:
        body = await answer.read()

    assert answer.status == 200, body
    assert answer.headers["x-headrace-backend"] == "b"
    assert (LAST_WORD[path] in body) or not streamed
    assert b"error" not in body.replace(b'"error":null', b"")


ENGINE = Dialect.VLLM


@pytest.fixture
async def alone(free_port: Port) -> AsyncIterator[Stack]:
    async with (
        running(Profile(dialect=ENGINE)) as engine,
        serving(backends(engine), free_port) as stack,
    ):
        yield stack


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/messages", b"{", 400),
        ("POST", "/api/chat", b"{", 400),
        ("POST", "/v1/responses", b"{", 400),
        ("POST", "/v1/messages", b'{"model":"nobody"}', 404),
        ("POST", "/api/generate", b'{"model":"nobody"}', 404),
        ("POST", "/v1/messages/batches", b"{}", 404),
        ("POST", "/api/pull", b"{}", 403),  # it changes an engine: off unless allowed
        ("GET", "/api/chat", b"", 405),
        ("GET", "/v1/messages", b"", 405),
        ("POST", "/to/a/api/chat", b"{", 400),
        ("GET", "/to/nobody/api/tags", b"", 404),
    ],
)
async def test_every_refusal_has_the_shape_its_callers_read(
    alone: Stack, method: str, path: str, body: bytes, status: int
) -> None:
    async with alone.client.request(method, path, data=body or None) as answer:
        told = await answer.json()

    assert answer.status == status
    if "/api/" in path:
        assert isinstance(told["error"], str)
    elif path.startswith("/v1/messages"):
        assert (told["type"], bool(told["error"]["message"])) == ("error", True)
    else:
        assert told["error"]["code"]


async def test_what_an_engine_tells_of_itself_is_hidden(free_port: Port) -> None:
    async with (
        running(Profile(dialect=Dialect.OLLA)) as engine,
        serving(backends(engine), free_port) as stack,
        stack.ask() as answer,
    ):
        assert answer.status == 200
        assert not [name for name in answer.headers if name.lower().startswith("x-olla")]


async def test_an_engine_with_paths_of_its_own_is_asked_there(free_port: Port) -> None:
    async with (
        running(Profile(dialect=Dialect.DMR)) as engine,
        serving(backends(engine), free_port) as stack,
        stack.ask() as answer,
    ):
        assert answer.status == 200
        assert engine.requests[-1].path == "/engines/v1/chat/completions"


@pytest.mark.parametrize("path", ["/v1/chat/completions", *ASKED])
@pytest.mark.parametrize("kind", Dialect)
async def test_an_engines_words_reach_every_client_in_the_shape_it_reads(
    free_port: Port, kind: Dialect, path: str
) -> None:
    asked = ASKED.get(path, {"model": MODEL, "messages": HELLO})
    async with (
        running(Profile(dialect=kind, models=(MODEL,))) as engine,
        serving(backends(engine), free_port) as stack,
    ):
        engine.faults.set(Fault(kind=Kind.STATUS, status=400))
        async with stack.client.post(path, json={**asked, "stream": False}) as answer:
            told = await answer.json()

    assert answer.status == 400
    error = told["error"]
    if path == "/api/chat":
        assert "status 400" in error
        return
    assert "status 400" in error["message"]
    assert told.get("type") == ("error" if path == "/v1/messages" else None)
    assert error["type"]
