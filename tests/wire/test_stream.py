"""Answers come through as the engine gave them, whatever the sizes, framings and versions."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving
from tests.fixtures.wire import Reply, Wire, chat, chunked, connected, get, port_of, post

Port = Callable[[], int]
ALIASES = "models: {aliases: {small: [missing, simulated-model]}}\nlimits: {body: 8MiB}\n"
PRIVATE = re.compile(rb'"created":\d+')  # differs between two answers of one engine


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with running(Profile(keep_bodies=True)) as engine:
        yield engine


@pytest.fixture
async def stack(engine: Engine, free_port: Port) -> AsyncIterator[Stack]:
    async with serving(backends(engine) + ALIASES, free_port) as stack:
        yield stack


async def ask(port: int, *pieces: bytes) -> Reply:
    async with connected(port) as wire:
        wire.send(*pieces)
        return await wire.answer()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
async def test_an_answer_is_byte_for_byte_the_engines(
    stack: Stack, engine: Engine, path: str, *, stream: bool
) -> None:
    body = chat(40, stream=stream, prompt="hi", stream_options={"include_usage": True})
    request = post(body, "x-request-id: same", path=path)

    direct, through = await ask(engine.port, request), await ask(port_of(stack), request)

    assert through.status == direct.status == 200
    assert PRIVATE.sub(b"", through.raw) == PRIVATE.sub(b"", direct.raw)
    assert through.field(b"content-type") == direct.field(b"content-type")
    assert engine.requests[0].body == engine.requests[1].body == body


async def test_embeddings_come_through(stack: Stack, engine: Engine) -> None:
    body = msgspec.json.encode({"model": MODEL, "input": ["a", "b"]})
    request = post(body, "x-request-id: same", path="/v1/embeddings")

    assert (await ask(port_of(stack), request)).body == (await ask(engine.port, request)).body


async def test_a_multipart_form_comes_through(stack: Stack, engine: Engine) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
        b"Content-Type: audio/wav\r\n\r\n" + bytes(range(256)) * 400 + b"\r\n"
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n' + MODEL.encode()
    ) + b"\r\n--b--\r\n"
    request = post(form, path="/v1/audio/transcriptions").replace(
        b"application/json", b"multipart/form-data; boundary=b"
    )

    reply = await ask(port_of(stack), request)

    # The simulated engine has no ears: that it was asked is what counts.
    assert (reply.status, reply.field(b"x-headrace-backend")) == (404, b"a")


async def test_what_the_proxy_says_in_header_and_access_line(stack: Stack, engine: Engine) -> None:
    body = chat(7, stream=True, stream_options={"include_usage": True})
    reply = await ask(port_of(stack), post(body, "x-request-id: id-1"))

    assert reply.field(b"x-request-id") == b"id-1"
    assert reply.field(b"x-headrace-backend") == b"a"
    assert reply.field(b"x-headrace-attempts") == b"1"
    assert reply.field(b"x-headrace-queue-ms") == b"0"
    assert engine.requests[0].id == "id-1"
    await eventually(lambda: bool(stack.access_lines()))
    (line,) = map(msgspec.json.decode, stack.access_lines())
    assert line["request_id"] == "id-1"
    assert (line["tokens_in"], line["tokens_out"]) == (1, 7)
    assert (line["end"], line["status"], line["backend"]) == ("--", 200, "a")


async def test_one_connection_serves_many_requests_of_all_kinds(
    stack: Stack, engine: Engine
) -> None:
    async with connected(port_of(stack)) as wire:
        for number in range(4):
            for request in (
                post(chat(3 + number)),
                post(chat(3, stream=True)),
                get("/v1/models"),
                get("/health"),
                post(b"{}", path="/nowhere"),
                post(chat(3, model="nobody")),
                post(b"{"),
                get("/v1/models", method="HEAD"),
            ):
                wire.send(request)
                reply = await wire.answer(bodiless=request.startswith(b"HEAD"))
                assert not reply.closes
        assert stack.instance.client_connections() == 1

    assert len({record.connection for record in engine.requests}) == 1
    assert len(engine.requests) == 8


@pytest.mark.parametrize("size", [100_000, 5_000_000])
@pytest.mark.parametrize("framed", ["length", "chunked", "pieces"])
async def test_large_bodies_come_through(
    stack: Stack, engine: Engine, size: int, framed: str
) -> None:
    body = chat(2, user="x" * size)
    request = post(body)
    if framed == "chunked":
        head = request.partition(b"Content-Length")[0]
        pieces = [body[at : at + 50_000] for at in range(0, len(body), 50_000)]
        request = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*pieces)
    async with connected(port_of(stack)) as wire:
        for _ in range(2):  # the second time its head is known
            if framed == "pieces":
                cut = request.index(b"\r\n\r\n") + 4
                wire.send(request[:cut])
                await asyncio.sleep(0.01)
                wire.send(request[cut:])
            else:
                wire.send(request)
            assert (await wire.answer()).status == 200

    assert [record.body for record in engine.requests] == [body, body]
    assert not engine.requests[0].header(b"transfer-encoding")


async def test_a_body_over_the_limit_is_refused_at_once(stack: Stack, engine: Engine) -> None:
    head = post(b"").replace(b"Content-Length: 0", b"Content-Length: 9000000")

    announced = await ask(port_of(stack), head)
    growing = await ask(
        port_of(stack),
        head.replace(b"Content-Length: 9000000", b"Transfer-Encoding: chunked"),
        b"%x\r\n" % 9_000_000 + b" " * 8_500_000,
    )

    assert (announced.status, announced.code) == (growing.status, growing.code)
    assert (announced.status, announced.code) == (413, "body_too_large")
    assert not len(engine.requests)


async def test_the_client_that_waits_for_100_gets_it_before_its_body(
    stack: Stack, engine: Engine
) -> None:
    head, _, body = post(chat(2), "Expect: 100-continue").partition(b"\r\n\r\n")
    async with connected(port_of(stack)) as wire:
        for _ in range(2):
            wire.send(head + b"\r\n\r\n")
            assert (await wire.answer()).status == 100
            wire.send(body)
            assert (await wire.answer()).status == 200

    assert all(record.header(b"expect") is None for record in engine.requests)


async def test_the_client_that_waits_for_100_with_too_much_is_told_so(stack: Stack) -> None:
    head = post(b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: 9000000")

    assert (await ask(port_of(stack), head)).status == 413


@pytest.mark.parametrize("stream", [False, True])
async def test_an_old_client_gets_a_body_that_the_end_of_the_connection_ends(
    stack: Stack, engine: Engine, *, stream: bool
) -> None:
    request = post(chat(9, stream=stream), "x-request-id: same")
    direct = await ask(engine.port, request)
    async with connected(port_of(stack)) as wire:
        wire.send(request.replace(b"HTTP/1.1", b"HTTP/1.0"))
        reply = await wire.answer()
        assert await wire.ended() == b""

    assert reply.closes
    assert not reply.field(b"transfer-encoding")
    assert PRIVATE.sub(b"", reply.body) == PRIVATE.sub(b"", direct.body)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("stream", [False, True])
async def test_an_old_engine_is_understood(
    stack: Stack, engine: Engine, version: str, *, stream: bool
) -> None:
    request = post(chat(9, stream=stream), "x-request-id: same")
    direct = await ask(engine.port, request)
    engine.faults.set(Fault(kind=Kind.HTTP10))

    reply = await ask(port_of(stack), request.replace(b"HTTP/1.1", b"HTTP/" + version.encode()))

    assert PRIVATE.sub(b"", reply.body) == PRIVATE.sub(b"", direct.body)
    assert reply.closes is (version == "1.0")


async def test_an_unknown_model_is_told_with_the_names_there_are(stack: Stack) -> None:
    reply = await ask(port_of(stack), post(chat(model="simulated-mode")))

    assert (reply.status, reply.code) == (404, "model_not_found")
    assert f"{MODEL}" in reply.json["error"]["message"]
    assert "small" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (post(b'{"model":'), 400, "bad_json"),
        (post(b"[]"), 400, "bad_request"),
        (post(b'{"model":7,"messages":[]}'), 400, "bad_request"),
        (post(chat(), path="/v1/nowhere"), 404, "path_not_found"),
        (get("/nowhere"), 404, "path_not_found"),
        (get("/v1/chat/completions"), 405, "method_not_allowed"),
        (get("/v1/models", method="PUT"), 405, "method_not_allowed"),
        (post(chat(), "x-headrace-backend: b"), 404, "backend_not_found"),
    ],
)
async def test_mistakes_are_told_in_words(
    stack: Stack, request_bytes: bytes, status: int, code: str
) -> None:
    reply = await ask(port_of(stack), request_bytes)

    assert (reply.status, reply.code) == (status, code)
    assert reply.field(b"x-request-id").decode() in reply.json["error"]["request_id"]
    assert bool(reply.field(b"allow")) is (status == 405)


async def test_mistakes_are_told_in_the_callers_dialect(stack: Stack) -> None:
    reply = await ask(port_of(stack), post(b"{", path="/v1/messages"))

    assert reply.status == 400
    assert msgspec.json.decode(reply.body)["type"] == "error"
    for odd in (get("/v1/messages"), post(b"{", "Content-Encoding: gzip", path="/v1/messages")):
        assert msgspec.json.decode((await ask(port_of(stack), odd)).body)["type"] == "error"


async def test_an_alias_is_replaced_and_nothing_else(stack: Stack, engine: Engine) -> None:
    body = chat(2, model="small", metadata={"model": "small"})

    assert (await ask(port_of(stack), post(body))).status == 200

    assert engine.requests[0].body == body.replace(b'"small"', b'"%b"' % MODEL.encode(), 1)


@pytest.mark.parametrize("last", [False, True], ids=["model first", "model last"])
async def test_a_large_body_arrives_as_it_was_sent_but_for_an_alias(
    stack: Stack, engine: Engine, *, last: bool
) -> None:
    text = b'"prompt":"a","user":"%b"' % (b"0123456789" * 300_000)
    parts = (text, b'"model":"small"') if last else (b'"model":"small"', text)
    body = b'{"max_tokens":1,%b}' % b",".join(parts)
    async with connected(port_of(stack)) as wire:
        for _ in range(2):  # the second one by a head that is known
            wire.send(post(body, path="/v1/completions"))
            reply = await wire.answer()
            assert reply.status == 200

    wanted = body.replace(b'"small"', b'"%b"' % MODEL.encode())
    assert [request.body == wanted for request in engine.requests] == [True, True]


async def test_pages_of_the_client_port(stack: Stack) -> None:
    listed = await ask(port_of(stack), get("/v1/models"))
    one = await ask(port_of(stack), get(f"/v1/models/{MODEL}"))
    absolute = await ask(port_of(stack), get("http://elsewhere/health"))
    options = await ask(port_of(stack), get("*", method="OPTIONS"))

    ids = [card["id"] for card in msgspec.json.decode(listed.body)["data"]]
    assert ids == [MODEL, "small"]
    assert msgspec.json.decode(one.body)["id"] == MODEL
    assert (absolute.status, absolute.body) == (200, b'{"status":"ok"}')
    assert options.status in {404, 405}
    assert listed.field(b"server") == b"headrace"


async def test_many_clients_at_once_get_each_their_own_answer(stack: Stack, engine: Engine) -> None:
    async def one(number: int) -> None:
        async with connected(port_of(stack)) as wire:
            for _ in range(3):
                wire.send(post(chat(number % 7 + 1, stream=True), f"x-request-id: n{number}"))
                reply = await wire.answer()
                assert b"chatcmpl-n%d" % number in reply.body
                assert reply.body.count(b"data: ") == number % 7 + 3

    async with asyncio.TaskGroup() as clients:
        for number in range(60):
            clients.create_task(one(number))

    assert len(engine.requests) == 180
    await eventually(lambda: not stack.instance.client_connections())
    assert stack.instance.in_flight() == 0


async def test_a_pin_and_a_deadline_of_the_clients_own(stack: Stack, engine: Engine) -> None:
    assert (await ask(port_of(stack), post(chat(), "x-headrace-backend: a"))).status == 200
    engine.faults.set(Fault(kind=Kind.HANG))

    reply = await ask(port_of(stack), post(chat(), "x-headrace-timeout: 150ms"))

    assert (reply.status, reply.code) == (504, "total_timeout")


async def test_a_wire_that_is_only_opened_disturbs_nobody(stack: Stack) -> None:
    idle = [await Wire.open(port_of(stack)) for _ in range(20)]
    await eventually(lambda: stack.instance.client_connections() == 20)

    assert (await ask(port_of(stack), post(chat()))).status == 200

    for wire in idle:
        wire.close()
    await eventually(lambda: not stack.instance.client_connections())
