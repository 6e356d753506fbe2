"""Engines that mean harm: what they send hurts neither the proxy nor its clients."""

import gzip
from collections.abc import AsyncIterator, Callable

import pytest

from tests.fixtures.chaos import Scene, saying, staged, whole
from tests.fixtures.stack import eventually
from tests.fixtures.wire import chat, connected, post

Port = Callable[[], int]
BODY = b'{"object":"chat.completion"}'
OK = b"HTTP/1.1 200 OK\r\n"
JSON = b"content-type: application/json\r\n"


@pytest.fixture
async def taken(free_port: Port) -> AsyncIterator[Scene]:
    """One engine, in the hands of a script."""
    async with staged(free_port, engines=1, more="") as scene:
        yield scene


def answer(body: bytes, *fields: bytes, start: bytes = OK) -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return start + JSON + lines + b"content-length: %d\r\n\r\n" % len(body) + body


async def test_a_packed_answer_is_passed_on_as_it_came(taken: Scene) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    taken.line.script = saying(answer(bomb, b"content-encoding: gzip"))

    reply = await taken.ask(stream=False)

    assert (reply.status, reply.body) == (200, bomb)
    assert reply.field(b"content-encoding") == b"gzip"


async def test_checks_unpack_nothing_and_read_only_so_much(taken: Scene) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    taken.line.calls_only = False
    health = taken.first.health
    for said in (answer(bomb, b"content-encoding: gzip"), answer(b" " * 5_000_000)):
        asked = taken.line.accepted
        taken.line.script = saying(said, close=True)
        taken.stack.instance._prober.wake(taken.first)
        await eventually(lambda: taken.line.accepted > asked)  # noqa: B023 - waited for here

    await eventually(lambda: bool(health.reason))


async def test_an_endless_error_is_told_in_words_of_ours(taken: Scene) -> None:
    endless = answer(b"", start=b"HTTP/1.1 500 Oops\r\n").replace(b"length: 0", b"length: 99999999")
    taken.line.script = saying(endless, *[b"x" * 65536] * 40)

    reply = await taken.ask()

    assert (reply.status, reply.code) == (500, "backend_status")
    assert len(reply.body) < 4096
    await eventually(lambda: not taken.line.open)


async def test_a_head_without_an_end_is_cut_off(taken: Scene) -> None:
    taken.line.script = saying(OK, *[b"x-a: %b\r\n" % (b"b" * 1000)] * 100)

    reply = await taken.ask()

    assert (reply.status, reply.code) == (502, "bad_response")
    await eventually(lambda: not taken.line.open)


async def test_a_flood_of_interim_answers_is_borne(taken: Scene) -> None:
    taken.line.script = saying(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000, answer(BODY))

    reply = await taken.ask(stream=False)

    assert (reply.status, reply.body) == (200, BODY)


async def test_what_is_hop_by_hop_or_ours_is_not_passed_on(taken: Scene) -> None:
    fields = (
        b"connection: keep-alive, x-secret", b"x-secret: 1", b"keep-alive: timeout=1",
        b"upgrade: h2c", b"proxy-authenticate: Basic", b"trailer: x-t",
        b"x-headrace-backend: other", b"x-headrace-attempts: 99", b"x-request-id: theirs",
    )  # fmt: skip
    taken.line.script = saying(answer(BODY, *fields))

    reply = await taken.ask(stream=False)

    names = [name for name, _ in reply.fields]
    assert not {b"x-secret", b"keep-alive", b"upgrade", b"proxy-authenticate"} & set(names)
    assert names.count(b"x-headrace-backend") == 1
    assert reply.field(b"x-headrace-backend") == b"a"
    assert reply.field(b"x-headrace-attempts") == b"1"
    assert names.count(b"x-request-id") == 1
    assert reply.field(b"x-request-id") != b"theirs"


async def test_an_answer_split_by_its_own_bytes_is_one_answer(taken: Scene) -> None:
    """What looks like a second answer inside the first is its body; behind it, it is dropped."""
    second = answer(b"poison")
    taken.line.script = saying(answer(BODY) + second)

    for _ in range(2):
        reply = await taken.ask(stream=False)
        assert reply.body == BODY
    async with connected(taken.port) as wire:
        wire.send(post(chat()), b"")
        assert (await wire.answer()).body == BODY
        wire.half_close()
        assert await wire.ended() == b""


async def test_a_chunk_size_that_overflows_is_refused(taken: Scene) -> None:
    head = OK + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    for size in (b"f" * 17, b"-1", b"0x10", b"1_0", b"+5", b" 5"):
        taken.line.script = saying(head + size + b"\r\ndata: x\n\n\r\n0\r\n\r\n")
        reply = await taken.ask()
        assert (reply.status, reply.code) == (502, "bad_response"), size
        taken.forgive()
    taken.line.script = None
    assert whole(await taken.ask())


async def test_a_second_answer_that_comes_later_reaches_nobody_after_the_first_time(
    taken: Scene,
) -> None:
    """It could pass for the answer to the next call on its connection: there is none."""
    taken.line.script = saying(answer(BODY), answer(b"poison"), pause=0.05)
    await taken.ask(stream=False)
    pool = next(iter(taken.stack.instance._fleet.sides.values())).pool
    await eventually(lambda: not pool.open)
    before = pool.opened

    for _ in range(3):
        assert (await taken.ask(stream=False)).body == BODY

    assert pool.opened == before + 3
