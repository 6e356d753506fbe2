"""Clients that mean harm: bombs, names that break things, crowds that drip. `tests/wire` has more.

Each is answered in clear words, reaches no engine, and holds up nobody else.
"""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable

import aiohttp
import msgspec
import pytest

from benchmarks.fake.faults import Fault, Kind
from proxy.edge import connection
from tests.fixtures.chaos import ERROR, Scene, saying, staged, whole
from tests.fixtures.naughty import NAMES
from tests.fixtures.stack import MODEL
from tests.fixtures.wire import Broken, Reply, Wire, chat, connected, post

Port = Callable[[], int]
LIMITS = "limits: {header_timeout: 2s, body_timeout: 2s}\n"
SIZE = 10_000_000
STALL = 1.0  # seconds of this thread's own work; a full decoder takes 2.6 s for the worst here


@pytest.fixture
async def guarded(free_port: Port) -> AsyncIterator[Scene]:
    """One engine, and little patience with clients."""
    async with staged(free_port, engines=1, more=LIMITS) as scene:
        yield scene


async def say(scene: Scene, data: bytes) -> Reply:
    async with connected(scene.port) as wire:
        wire.send(data)
        return await wire.answer()


def filled(unit: bytes, start: bytes, end: bytes) -> bytes:
    """Return a document of `SIZE` bytes made of one unit."""
    return start + unit * ((SIZE - len(start) - len(end)) // len(unit)) + end


HEAD = b'{"model":"nobody","x":'
BOMBS = {
    "lists": filled(b"[],", HEAD + b"[", b"[]]}"),
    "objects": filled(b"{},", HEAD + b"[", b"{}]}"),
    "numbers": filled(b"1,", HEAD + b"[", b"1]}"),
    "a long number": filled(b"7", HEAD, b"}"),
    "escapes": filled(b"\\u0041", HEAD + b'"', b'"}'),
    "one string": filled(b"a", HEAD + b'"', b'"}'),
    "spaces": filled(b" ", HEAD, b"1}"),
    "deep lists": HEAD + b"[" * (SIZE // 2) + b"]" * (SIZE // 2) + b"}",
    "deep and open": b"[" * SIZE,
    "keys": b'{"model":"nobody"' + b"".join(b',"k%d":0' % n for n in range(700_000)) + b"}",
    "one key again": filled(b'"k":0,', b'{"model":"nobody",', b'"k":0}'),
    "model keys": filled(b'"model":"nobody",', b"{", b'"model":"nobody"}'),
    "escaped keys": filled(b'"mod\\u0065l":"a",', b"{", b'"model":"nobody"}'),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
async def test_a_bomb_does_not_hold_up_the_others(guarded: Scene, bomb: bytes) -> None:
    worst, last, over = 0.0, time.thread_time(), False

    async def watch() -> None:
        nonlocal worst, last
        while not over:
            await asyncio.sleep(0.002)
            now = time.thread_time()
            worst, last = max(worst, now - last), now

    watching = asyncio.ensure_future(watch())
    reply = await say(guarded, post(bomb))
    over = True
    await watching

    assert reply.status in {400, 404, 413}  # 413: over 1 MiB of top level
    assert reply.code in {"bad_json", "bad_request", "body_too_large", "model_not_found"}
    assert len(reply.body) < 4096
    assert worst < STALL
    assert not len(guarded.engine.requests)


async def test_a_bomb_for_a_model_with_another_name_does_not_either(free_port: Port) -> None:
    keys = b"".join(b',"k%d":0' % n for n in range(700_000))
    more = f"models: {{aliases: {{other: {MODEL}}}}}\n"
    async with staged(free_port, engines=1, more=more) as scene:
        scene.line.script = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", close=True)
        begun = time.thread_time()
        body = b'{"x":{"a":0' + keys + b'},"model":"other"}'
        assert (await say(scene, post(body))).status == 200
        assert time.thread_time() - begun < STALL


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "deflate", "br", "zstd"])
async def test_a_packed_bomb_is_not_unpacked(guarded: Scene, coding: str) -> None:
    bomb = gzip.compress(b" " * 20_000_000)

    reply = await say(guarded, post(bomb, f"Content-Encoding: {coding}"))

    assert (reply.status, reply.code) == (415, "unsupported_content_encoding")
    assert not len(guarded.engine.requests)


async def test_naughty_models_are_unknown_and_nothing_else(guarded: Scene) -> None:
    for what, name in NAMES.items():
        reply = await say(guarded, post(msgspec.json.encode({"model": name, "messages": []})))

        assert (reply.status, reply.code) == (404, "model_not_found"), what
        assert not {b"x-injected", b"set-cookie"} & {field for field, _ in reply.fields}, what
        assert b"\x1b" not in reply.body, what

    await guarded.ended(len(NAMES))
    lines = guarded.stack.access_lines()
    assert len(lines) == len(NAMES)
    assert all(line.isprintable() for line in lines)
    assert {json.loads(line)["end"] for line in lines} == {"CR"}
    admin = guarded.stack.instance.settings.admin
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://{admin.host}:{admin.port}/metrics") as answer,
    ):
        metrics = await answer.text()
    # Names nobody serves are no labels.
    assert not [name for name in NAMES.values() if len(name) > 4 and name in metrics]
    assert not len(guarded.engine.requests)


@pytest.mark.parametrize("field", ["x-request-id", "x-headrace-session", "user-agent"])
async def test_naughty_headers_are_refused_or_made_harmless(guarded: Scene, field: str) -> None:
    head, _, body = post(chat()).partition(b"\r\n\r\n")
    for what, name in NAMES.items():
        line = b"\r\n" + field.encode() + b": " + name.encode() + b"\r\n\r\n"

        reply = await say(guarded, head + line + body)

        assert reply.status in {200, 400}, what
        assert reply.status == 400 or whole(reply, stream=False, tokens=4), what
        ident = reply.field(b"x-request-id")
        assert ident.isascii(), what
        assert ident.decode().isprintable(), what
        if reply.status == 200:
            record = guarded.engine.requests[-1]
            assert record.header(b"x-request-id") == ident, what
            assert record.body_bytes == len(body), what

    await guarded.ended(len(NAMES))
    assert all(line.isprintable() for line in guarded.stack.access_lines())
    assert 20 < len(guarded.engine.requests) < len(NAMES)


@pytest.mark.parametrize("name", ["forged line", "end of an event", "nul", "right to left"])
async def test_what_an_engine_says_cannot_forge_a_log_line_or_an_event(
    guarded: Scene, name: str
) -> None:
    words = json.dumps({"error": {"message": NAMES[name], "type": "server_error"}}).encode()
    event = b"data: " + words + b"\n\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head % len(event) + event)
        await asyncio.Event().wait()

    guarded.line.script = script
    reply = await guarded.ask()

    assert reply.status == 500  # as an error of the server's is called in its own words
    assert reply.code == "backend_error_event"
    await guarded.ended()
    assert [line.isprintable() for line in guarded.stack.access_lines()] == [True]
    assert all(record.detail.isprintable() for record in guarded.stack.instance.failures())


async def test_an_error_event_is_one_event_whatever_id_the_client_chose(guarded: Scene) -> None:
    guarded.engine.faults.set(Fault(kind=Kind.CUT, after=3))
    ident = b"a\tdata: [DONE]"

    head, _, body = post(chat(6, stream=True)).partition(b"\r\n\r\n")
    with pytest.raises(Broken) as broken:
        await say(guarded, head + b"\r\nx-request-id: " + ident + b"\r\n\r\n" + body)

    assert broken.value.args[0].count(ERROR) == 1
    assert b"[DONE]" not in broken.value.args[0]


async def test_a_crowd_that_drips_is_cut_off_and_holds_up_nobody(
    guarded: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LINGER", 30.0)  # to read why; a machine may stand still for 2
    heads = [await Wire.open(guarded.port) for _ in range(60)]
    bodies = [await Wire.open(guarded.port) for _ in range(60)]
    request = post(chat(padding="x" * 10_000), f"X-Filler: {'x' * 2000}")
    start = request.index(b"\r\n\r\n") + 4
    over = False

    async def drip(wires: list[Wire], at: int) -> None:
        for offset in range(at, len(request)):
            if over:
                return
            for wire in wires:
                if not wire.writer.is_closing():
                    wire.send(request[offset : offset + 1])
            await asyncio.sleep(0.03)

    for wire in heads:
        wire.send(request[:1])  # who says nothing at all is told nothing
    for wire in bodies:
        wire.send(request[:start])
    drips = [asyncio.ensure_future(drip(*pair)) for pair in ((heads, 1), (bodies, start))]

    # Read from the start: who still writes to a connection that was closed reads nothing any more.
    answers = [asyncio.ensure_future(wire.answer()) for wire in (*heads, *bodies)]

    assert whole(await guarded.ask())
    replies = await asyncio.gather(*answers)
    over = True
    await asyncio.gather(*drips)

    assert {(reply.status, reply.code) for reply in replies} == {(408, "request_timeout")}
    for wire in (*heads, *bodies):
        wire.writer.transport.abort()
    assert len(guarded.engine.requests) == 1


async def test_connections_that_say_nothing_are_let_go(guarded: Scene) -> None:
    wires = [await Wire.open(guarded.port) for _ in range(200)]

    assert whole(await guarded.ask())

    assert await asyncio.gather(*(wire.ended() for wire in wires)) == [b""] * 200
    for wire in wires:
        wire.close()


async def test_only_the_very_name_is_served(guarded: Scene) -> None:
    for name in (
        MODEL.upper(),
        MODEL + "\u200b",
        MODEL + " ",
        "\uff53" + MODEL[1:],
        MODEL + "\x00",
    ):
        reply = await say(guarded, post(msgspec.json.encode({"model": name})))
        assert (reply.status, reply.code) == (404, "model_not_found")
    assert not len(guarded.engine.requests)
