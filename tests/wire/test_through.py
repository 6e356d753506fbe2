"""What passes through, on the wire: files, batches, Ollama's administration."""

import asyncio
import contextlib
import json
from collections.abc import Callable

import aiohttp
import pytest

from tests.fixtures.aside import aside, document, unplugged
from tests.fixtures.stack import MODEL, Stack, eventually, serving
from tests.fixtures.wire import connected, get, port_of, post

Port = Callable[[], int]
DIGEST = "sha256:" + "0f" * 32
LIMITS = "limits: {body: 2MiB}\n"


async def ends(stack: Stack, count: int) -> list[str]:
    """Return the end codes of so many requests, with nothing left under way."""
    await eventually(lambda: len(stack.access_lines()) >= count)
    await eventually(lambda: not stack.instance.in_flight())
    assert not stack.instance._edge.passing
    return [json.loads(line)["end"] for line in stack.access_lines()]


async def test_files_and_batches_pass_to_the_only_backend_that_has_them(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        ask = stack.client.request
        for method, path in (
            ("GET", "/v1/files?limit=2&purpose=batch"),
            ("GET", "/v1/files/file-1"),
            ("DELETE", "/v1/files/file-1"),
            ("POST", "/v1/batches"),
            ("POST", "/v1/batches/b_1/cancel"),
            ("GET", "/v1/responses/r_1?include%5B%5D=x"),
        ):
            sent = {"authorization": "Bearer secret", "x-request-id": "mine", "x-other": "kept"}
            async with ask(
                method, path, headers=sent, data=b"{}" if method == "POST" else None
            ) as a:
                assert a.status == 200, await a.text()
                assert a.headers["x-headrace-backend"] == "a"
                assert a.headers["x-request-id"] == "mine"
            assert (engine.last.method, engine.last.path) == (method, path)
            assert engine.last.headers["x-other"] == "kept"
            assert "authorization" not in engine.last.headers
        assert await ends(stack, 6) == ["--"] * 6
        line = json.loads(stack.access_lines()[0])

    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/files", 200)
    assert (line["backend"], line["bytes_out"] > 0) == ("a", True)


async def test_an_offer_of_http_2_does_not_keep_an_upload_from_passing(free_port: Port) -> None:
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA")
    body = b"x" * 300_000
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        async with connected(port_of(stack)) as wire:
            request = post(body, *offer, path="/v1/batches")
            for start in range(0, len(request), 50_000):
                wire.send(request[start : start + 50_000])
                await asyncio.sleep(0.01)
            reply = await wire.answer()
            assert await wire.ended() == b""
        await ends(stack, 1)

    assert (reply.status, reply.closes) == (200, True)
    assert engine.last.body == body
    assert not {"upgrade", "http2-settings"} & set(engine.last.headers)


async def test_a_call_takes_only_the_version_of_its_api_along(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        target = "/v1/embeddings?api-version=2024-10-21&key=secret"
        async with stack.client.post(target, json={"model": MODEL, "input": "hi"}) as answer:
            assert answer.status == 200, await answer.text()

        assert engine.last.path == "/v1/embeddings?api-version=2024-10-21"
        await ends(stack, 1)
        line = json.loads(stack.access_lines()[0])

    assert line["path"] == "/v1/embeddings"


async def test_with_several_backends_one_must_be_named(free_port: Port) -> None:
    async with (
        aside(free_port) as one,
        aside(free_port) as two,
        serving(document(one, two), free_port) as stack,
    ):
        ask = stack.client.get
        async with ask("/v1/files") as answer:
            body = await answer.json()
        assert (answer.status, body["error"]["code"]) == (400, "backend_not_named")
        assert "several backends have files: a, b" in body["error"]["message"]

        assert (await ask("/to/b/v1/files")).headers["x-headrace-backend"] == "b"
        pinned = await ask("/v1/files", headers={"x-headrace-backend": "a"})
        assert pinned.headers["x-headrace-backend"] == "a"
        assert (await ask("/to/openai/v1/files")).status == 400
        assert (await ask("/to/no/v1/files")).status == 404
        assert [len(one.sent), len(two.sent)] == [1, 1]
        assert await ends(stack, 5) == ["CR", "--", "--", "CR", "CR"]


async def test_an_engine_without_them_is_not_asked(free_port: Port) -> None:
    async with (
        aside(free_port) as engine,
        serving(document(engine, kind="vllm"), free_port) as stack,
    ):
        for path in ("/v1/files", "/to/a/v1/batches/b"):
            async with stack.client.get(path) as answer:
                body = await answer.json()
            assert (answer.status, body["error"]["code"]) == (404, "path_not_found")
    assert not [sent for sent in engine.sent if "files" in sent.path or "batches" in sent.path]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (get("/v1/files/.."), 404),
        (get("/v1/files/a%2F..%2Fb"), 404),
        (get("/v1/files/../batches"), 404),
        (get("/v1/files?action=drop"), 400),
        (get("/v1/files?limit=1&%61ction=drop"), 400),
        (get("/v1/files/f?limit=1"), 400),
        (get("/v1/files", method="PUT"), 405),
        (get("/v1/files", "Upgrade: websocket", "Connection: Upgrade"), 400),
        (post(b"{}", path="/v1/files/f"), 405),
        (get("/api/blobs/../pull", method="HEAD"), 404),
    ],
)
async def test_what_is_not_exactly_in_the_table_is_refused(
    free_port: Port, data: bytes, status: int
) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        async with connected(port_of(stack)) as wire:
            wire.send(data)
            bodiless = data.startswith(b"HEAD")
            assert (await wire.answer(bodiless=bodiless)).status == status
        await ends(stack, 1)
    assert not [sent for sent in engine.sent if "files" in sent.path or "pull" in sent.path]


async def test_an_upload_waits_for_its_engine_and_is_never_gathered(free_port: Port) -> None:
    size = 24 << 20
    async with (
        aside(free_port) as engine,
        serving(document(engine, kind="ollama", more="ollama_admin: true\n"), free_port) as stack,
        connected(port_of(stack)) as wire,
    ):
        head = f"POST /api/blobs/{DIGEST} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
        wire.send(head.encode())
        piece, sent = b"y" * 65536, 0
        wire.writer.transport.set_write_buffer_limits(high=0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.4):
                while sent < size:
                    wire.send(piece)
                    sent += len(piece)
                    await wire.writer.drain()
        assert sent < size  # more than the kernels hold nobody takes
        assert engine.taken == 0
        engine.gate.set()
        while sent < size:
            wire.send(piece)
            sent += len(piece)
            await wire.writer.drain()
        answer = await wire.answer()
        assert (answer.status, engine.taken) == (200, size)
        wire.send(get("/health"))  # the connection is as good as before
        assert (await wire.answer()).status == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_form_passes_byte_for_byte(free_port: Port, *, chunked: bool) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        engine.gate.set()
        form = aiohttp.FormData()
        form.add_field("file", b"z" * 200_000, filename="a.jsonl")
        data: object = form
        if chunked:

            async def pieces() -> object:
                for _ in range(20):
                    yield b"z" * 10_000

            data = pieces()
        async with stack.client.post("/v1/files", data=data) as answer:
            assert (await answer.json())["bytes"] == engine.taken >= 200_000
        assert await ends(stack, 1) == ["--"]


async def test_a_body_over_its_limit_is_refused_and_ends_its_upload(free_port: Port) -> None:
    async with (
        aside(free_port) as engine,
        serving(document(engine, more=LIMITS), free_port) as stack,
    ):
        async with connected(port_of(stack)) as wire:
            wire.send(b"POST /v1/files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(48):
                wire.send(b"10000\r\n" + b"z" * 65536 + b"\r\n")
            reply = await wire.answer()
        assert (reply.status, reply.code) == (413, "body_too_large")
        assert await ends(stack, 1) == ["CR"]
    assert engine.sent == []


async def test_a_slow_reader_pauses_the_engine(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        wire_to = connected(port_of(stack), limit=1024, receive=4096)
        async with wire_to as wire:
            wire.send(get("/v1/files/f/content"))
            await asyncio.sleep(0.2)
            (backend,) = stack.instance._edge.passing
            assert backend.call.bytes_out < 6 << 20  # of 64 MiB: the engine still has most of it
            wire.send(b"")
            reply = await wire.head()
            assert reply.status == 200
        assert await ends(stack, 1) == ["CS"]
        await eventually(lambda: engine.gone == 1)


async def test_a_client_that_leaves_ends_its_upload_at_the_engine(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        engine.gate.set()
        async with connected(port_of(stack)) as wire:
            wire.send(b"POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nabc")
            await eventually(lambda: engine.taken == 3)
        await eventually(lambda: engine.gone == 1)
        assert await ends(stack, 1) == ["CW"]


async def test_an_engine_that_is_down_is_503_or_502(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        port = port_of(stack)
        unplugged(stack, free_port())
        async with connected(port) as wire:
            wire.send(get("/v1/files"))
            assert (await wire.answer()).status == 502
        stack.instance.backends()[0].health.drain(stack.instance.now())
        async with connected(port) as wire:
            wire.send(get("/v1/files"))
            reply = await wire.answer()
        assert (reply.status, reply.code) == (503, "no_backend_available")
        assert reply.field(b"retry-after")
        assert await ends(stack, 2) == ["BC", "PQ"]


async def test_errors_of_the_engine_pass_as_they_are(free_port: Port) -> None:
    async with aside(free_port) as engine, serving(document(engine), free_port) as stack:
        for count, (status, end) in enumerate(((404, "CW"), (500, "BW"), (302, "BW")), 1):
            async with stack.client.get(
                "/v1/files", headers={"x-status": str(status)}, allow_redirects=False
            ) as answer:
                assert answer.status == (502 if status == 302 else status)
            assert (await ends(stack, count))[-1] == end


async def test_administration_is_off_unless_the_settings_allow_it(free_port: Port) -> None:
    async with (
        aside(free_port) as engine,
        serving(document(engine, kind="ollama"), free_port) as stack,
    ):
        for method, path in (
            ("POST", "/api/pull"), ("POST", "/api/push"), ("POST", "/api/create"),
            ("POST", "/api/copy"), ("DELETE", "/api/delete"), ("POST", f"/api/blobs/{DIGEST}"),
            ("POST", "/to/a/api/pull"), ("HEAD", f"/api/blobs/{DIGEST}"),
        ):  # fmt: skip
            async with stack.client.request(method, path, data=b'{"model":"m"}') as answer:
                assert answer.status == 403
                if method != "HEAD":
                    body = await answer.json()
                    assert body["code"] == "operation_disabled"
                    assert "ollama_admin" in body["error"]
        assert await ends(stack, 8) == ["CR"] * 8
    assert {sent.method for sent in engine.sent} <= {"GET"}


@pytest.mark.setting("ollama_admin")
async def test_progress_of_a_pull_is_streamed(free_port: Port) -> None:
    settings = "ollama_admin: true\n"
    async with (
        aside(free_port) as engine,
        serving(document(engine, kind="ollama", more=settings), free_port) as stack,
    ):
        body = b'{"model":"llama3"}'
        async with stack.client.post("/to/ollama/api/pull", data=body) as answer:
            assert await answer.content.readline() == b'{"status":"pulling manifest"}\n'
            engine.gate.set()
            assert await answer.content.read() == b'{"status":"success"}\n'
        assert engine.last.body == body
        assert (await stack.client.delete("/api/delete", data=body)).status == 200
        assert engine.last.body == body
        assert (await stack.client.head(f"/api/blobs/{DIGEST}")).status == 404
        assert await ends(stack, 3) == ["--", "--", "CW"]


async def test_administration_needs_one_ollama_and_no_other_engine(free_port: Port) -> None:
    settings = "ollama_admin: true\n"
    async with aside(free_port) as one, aside(free_port) as two:
        async with serving(document(one, two, kind="ollama", more=settings), free_port) as stack:
            answer = await stack.client.post("/api/copy", data=b"{}")
            assert (answer.status, (await answer.json())["code"]) == (400, "backend_not_named")
            assert (await stack.client.post("/to/b/api/copy", data=b"{}")).status == 200
        async with serving(document(one, more=settings), free_port) as stack:
            assert (await stack.client.post("/api/copy", data=b"{}")).status == 404
    assert [sent.path for sent in (*one.sent, *two.sent) if sent.method != "GET"] == ["/api/copy"]
