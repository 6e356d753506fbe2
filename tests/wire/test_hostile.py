"""Hostile and odd messages: each is refused in clear words, or becomes one clean request."""

import asyncio
import gzip
from collections import Counter
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.fixtures.hostile import BEHIND, OK, Case
from tests.fixtures.odd import GROUPS, corpus
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving
from tests.fixtures.wire import Reply, Wire, chat, chunked, connected, get, port_of, post

Port = Callable[[], int]
LIMITS = "limits: {body: 2MiB, header_timeout: 2s, body_timeout: 2s}\n"
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with running(Profile(keep_bodies=True)) as engine:
        yield engine


@pytest.fixture
async def stack(engine: Engine, free_port: Port) -> AsyncIterator[Stack]:
    """Return a proxy that must be as good as new after each test."""
    async with serving(backends(engine) + LIMITS, free_port) as stack:
        yield stack
        await eventually(lambda: not stack.instance.in_flight())
        async with connected(port_of(stack)) as wire:
            wire.send(post(chat()))
            assert (await wire.answer()).status == OK
        await eventually(lambda: not stack.instance.client_connections())
        assert not any(backend.in_flight for backend in stack.instance.backends())


async def outcome(port: int, case: Case) -> tuple[list[Reply], bool]:
    """Send a message; return the answers, and whether the other side closed of its own accord."""
    replies: list[Reply] = []
    async with connected(port) as wire:
        wire.send(case.data)
        while not replies or replies[-1].status < 200:
            replies.append(await wire.answer())
        of_itself = replies[-1].closes
        if not of_itself:
            wire.half_close()
        rest = await wire.ended()
    assert not rest, rest
    return [reply for reply in replies if reply.status >= 200], of_itself


async def verdict(port: int, case: Case) -> str:
    """Return what is wrong with the answer to a message; empty if nothing is."""
    try:
        (reply,), closed = await outcome(port, case)
    except (TimeoutError, AssertionError, ValueError, asyncio.IncompleteReadError, OSError) as it:
        return f"{type(it).__name__}: {it!s:.100}"
    if reply.status != case.status:
        return f"{reply.status} {reply.body[:120]!r}"
    if closed is not case.closes:
        return "left open" if case.closes else "closed"
    if not reply.field(b"x-request-id"):
        return "no request id"
    if reply.status != OK and not (reply.code and reply.json["error"]["message"]):
        return f"not in words: {reply.body[:120]!r}"
    return ""


async def test_every_message_is_refused_or_becomes_one_clean_request(
    engine: Engine, stack: Stack
) -> None:
    cases = corpus()
    at_once = asyncio.Semaphore(24)

    async def judged(case: Case) -> str:
        async with at_once:
            return await verdict(port_of(stack), case)

    verdicts = await asyncio.gather(*map(judged, cases))

    wrong = {case.name: said for case, said in zip(cases, verdicts, strict=True) if said}
    assert not wrong, "\n".join(f"{name}: {said}" for name, said in wrong.items())
    served = {case.ident: case for case in cases if case.status == OK}
    assert Counter(record.id for record in engine.requests) == Counter(served.keys())
    for record in engine.requests:
        assert record.path == "/v1/chat/completions"
        assert int(record.header(b"content-length") or 0) == len(record.body)
        assert not {name for name, _ in record.headers} & set(served[record.id].absent)
    assert len(cases) > 320
    assert len({case.name for case in cases}) == len(cases)
    assert len(GROUPS) == 11


async def test_a_head_recognised_on_a_warm_connection_is_recognised_only_whole(
    engine: Engine, stack: Stack
) -> None:
    good = post(chat())
    length = b"Content-Length: %d" % len(chat())

    async def after_two_good_ones(data: bytes, *more: bytes) -> Reply:
        async with connected(port_of(stack)) as wire:
            for _ in range(2):
                wire.send(good)
                assert (await wire.answer()).status == OK
            wire.send(data)
            for piece in more:
                await asyncio.sleep(0.02)
                wire.send(piece)
            return await wire.answer()

    end = good.index(b"\r\n\r\n")
    # in pieces, wherever cut
    for cut in (1, 30, end, end + 1, end + 2, end + 3, end + 4, end + 10):
        assert (await after_two_good_ones(good[:cut], good[cut:])).status == OK, cut
    # not quite the same
    for other, status in {
        good.replace(length, b"Content-Length: 00%d" % len(chat())): 200,
        good.replace(length, b"Content-Length: +%d" % len(chat())): 400,
        good.replace(length, b"Content-Length: 9x"): 400,
        good.replace(length, b"Content-Length: "): 400,
        good.replace(length, b"Content-Length: 3000000"): 413,
        good.replace(length, b"X: y\r\n" + length): 200,
        good.replace(length, length + b"\r\nTransfer-Encoding: chunked"): 400,
        good.replace(b"POST", b"PUT"): 405,
        good.replace(b"HTTP/1.1", b"HTTP/1.2"): 400,
        b"X" + good: 400,
    }.items():
        assert (await after_two_good_ones(other)).status == status, other
    # the rest of another head is no head of its own
    assert (await after_two_good_ones(b"PO", good)).status == 400
    assert (
        await after_two_good_ones(b"GET /health HTTP/1.1\r\nHost: x\r\nX: ", good)
    ).status == 400


@pytest.mark.parametrize(("framed", "served"), [("length", 1), ("chunked", 1), ("in pieces", 2)])
async def test_half_a_request_behind_another_is_served_as_itself_or_not_at_all(
    stack: Stack, engine: Engine, framed: str, served: int
) -> None:
    first = post(chat())
    if framed == "chunked":
        head = first.partition(b"Content-Length")[0]
        first = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(chat())
    async with connected(port_of(stack)) as wire:
        if framed == "in pieces":  # then nobody knows where the first message ended
            wire.send(first[:40])
            await asyncio.sleep(0.02)
            first = first[40:]
        wire.send(first + BEHIND[:30])
        assert (await wire.answer()).closes is (served == 1)
        wire.send(BEHIND[30:])
        rest = await wire.ended()

    assert rest.count(b"HTTP/1.1 200 OK") == served - 1
    assert len(engine.requests) == served


async def test_bytes_behind_a_running_stream_are_dropped_and_end_the_connection(
    stack: Stack, engine: Engine
) -> None:
    engine.faults.set(Fault(kind=Kind.SILENCE, after=2, seconds=0.2))

    async with connected(port_of(stack)) as wire:
        wire.send(post(chat(stream=True)))
        head = await wire.head()
        wire.send(BEHIND, b"\x00rubbish")
        await wire._body(head)
        rest = await wire.ended()

    assert head.body.endswith(b"data: [DONE]\n\n")
    assert rest == b""
    assert len(engine.requests) == 1


async def test_a_client_that_floods_a_running_call_is_thrown_out(
    stack: Stack, engine: Engine
) -> None:
    engine.faults.set(Fault(kind=Kind.HANG, next=1))

    async with connected(port_of(stack)) as wire:
        wire.send(post(chat()))
        await eventually(lambda: len(engine.requests) == 1)
        wire.send(BEHIND * 1000)
        assert await wire.ended() == b""

    await eventually(lambda: engine.requests.aborted == 1)


async def test_a_head_that_drips_is_cut_off_in_time(stack: Stack, engine: Engine) -> None:
    async with connected(port_of(stack)) as wire:
        reply = await dripped(wire, post(chat(), f"X-Filler: {'x' * 2000}"))

    assert (reply.status, reply.code, reply.closes) == (408, "request_timeout", True)
    assert not len(engine.requests)


async def test_a_body_that_drips_is_cut_off_in_time(stack: Stack, engine: Engine) -> None:
    """Never silent for as long as `body_timeout`, but far below any sensible rate."""
    async with connected(port_of(stack)) as wire:
        wire.send(HEAD % 10_000)
        reply = await dripped(wire, b" " * 10_000)

    assert (reply.status, reply.code, reply.closes) == (408, "request_timeout", True)
    assert not len(engine.requests)


async def test_a_recognised_heads_body_that_drips_is_cut_off_too(stack: Stack) -> None:
    async with connected(port_of(stack)) as wire:
        for _ in range(2):
            wire.send(HEAD % len(chat()) + chat())
            assert (await wire.answer()).status == OK
        wire.send(HEAD % 10_000)
        reply = await dripped(wire, b" " * 10_000)

    assert (reply.status, reply.code, reply.closes) == (408, "request_timeout", True)


async def dripped(wire: Wire, data: bytes) -> Reply:
    """Send byte by byte until there is an answer."""

    async def drip() -> None:
        for byte in data:
            wire.send(bytes([byte]))
            await asyncio.sleep(0.02)

    dripping = asyncio.ensure_future(drip())
    try:
        return await wire.answer()
    finally:
        dripping.cancel()


async def test_a_client_that_sends_nothing_is_let_go(stack: Stack) -> None:
    async with connected(port_of(stack)) as wire:
        assert await wire.ended() == b""


async def test_a_bomb_is_not_inflated(stack: Stack, engine: Engine) -> None:
    bomb = gzip.compress(b" " * 50_000_000)

    async with connected(port_of(stack)) as wire:
        wire.send(post(bomb, "Content-Encoding: gzip"))
        reply = await wire.answer()

    assert (reply.status, reply.code) == (415, "unsupported_content_encoding")
    assert not len(engine.requests)


async def test_what_is_echoed_is_escaped(stack: Stack) -> None:
    names = ['"}],"a":[{"', "\u202e", "a\r\nx-injected: y", "\x00\x1b[31m"]
    for name in names:
        async with connected(port_of(stack)) as wire:
            wire.send(post(msgspec.json.encode({"model": name})))
            reply = await wire.answer()
        assert reply.code == "model_not_found"
        assert not reply.field(b"x-injected")
        assert b"\x1b" not in reply.body
    await eventually(lambda: len(stack.access_lines()) == len(names))
    assert all(line.isprintable() for line in stack.access_lines())


async def test_a_request_id_that_is_not_safe_is_replaced(stack: Stack, engine: Engine) -> None:
    for sent in ("a b", "x" * 200, "ä", ""):
        async with connected(port_of(stack)) as wire:
            wire.send(post(chat(), f"x-request-id: {sent}"))
            ident = (await wire.answer()).field(b"x-request-id")
        assert ident
        assert ident != sent.encode()
        assert engine.requests[-1].id == ident.decode()


async def test_the_pages_take_no_odd_messages_either(stack: Stack, engine: Engine) -> None:
    async with connected(port_of(stack)) as wire:
        wire.send(get("/v1/models") + get("/v1/models"))
        assert (await wire.answer()).closes
        assert await wire.ended() == b""
    async with connected(port_of(stack)) as wire:
        wire.send(get("/v1/models"), BEHIND)
        assert (await wire.answer()).status == OK
        assert (await wire.ended()).count(b"HTTP/1.1 ") <= 1
    async with connected(port_of(stack)) as wire:
        wire.send(post(b"x" * 1_000_000, path="/nowhere")[:500_000])
        await asyncio.sleep(0.05)
        wire.send(post(b"x" * 1_000_000, path="/nowhere")[500_000:])
        assert (await wire.answer()).status == 404
        wire.send(get("/health"))
        assert (await wire.answer()).status == OK
    async with connected(port_of(stack)) as wire:
        wire.send(post(b"", "Expect: 100-continue", path="/nowhere")[:-5] + b"5\r\n\r\n")
        assert (await wire.answer()).status == 100
        wire.send(b"hello")
        assert (await wire.answer()).status in {100, 404}
    assert len(engine.requests) <= 1


@pytest.mark.parametrize(("model", "status"), [(MODEL, OK), ("no-such-model", 404)])
async def test_a_client_of_http_1_0_learns_whether_the_connection_stays(
    stack: Stack, model: str, status: int
) -> None:
    request = post(chat(model=model), "Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
    async with connected(port_of(stack)) as wire:
        wire.send(request)
        reply = await wire.answer()
        stays = reply.field(b"connection") == b"keep-alive"
        assert (reply.status, stays or reply.closes) == (status, True)
        if stays:
            wire.send(request)
            assert (await wire.answer()).status == status
        else:
            assert await wire.ended() == b""
