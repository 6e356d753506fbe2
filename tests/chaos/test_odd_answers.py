"""Rows 10 to 18: an engine whose answer is not what HTTP allows, or not what was asked for."""

import asyncio

import pytest

from benchmarks.fake.faults import Fault, Kind
from tests.fixtures.chaos import Scene, Told, late, saying, whole
from tests.fixtures.wire import chat, connected, post

BODY = b'{"object":"chat.completion"}'
PLAIN = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(BODY)
OK = b"HTTP/1.1 200 OK\r\n"


async def moved(scene: Scene, why: str = "bad_response") -> None:
    """Check that a call struck at `a` was served whole by `b`, and why it was moved."""
    assert whole(await scene.ask())
    assert await scene.told() == Told(attempts=2, backend="b", blamed=1)
    assert scene.retried() == [why]


async def refused(scene: Scene) -> None:
    """Check what a client is told where every engine answers so."""
    reply = await scene.ask()
    assert (reply.status, reply.code) == (502, "bad_response")
    told = await scene.told(2)
    assert (told.end, told.failure, told.attempts) == ("BW", "bad_response", 2)


ODD = {
    "10 content-length and transfer-encoding": Fault(kind=Kind.BOTH_LENGTHS),
    "11 garbage status line": Fault(kind=Kind.GARBAGE_STATUS),
    "13 unsolicited 101": Fault(kind=Kind.SWITCH),
    "15 head of 200 KB": Fault(kind=Kind.HUGE_HEADERS, size=200_000),
    "16 nul in a field": Fault(kind=Kind.BAD_HEADER, size=0),
    "16 control byte in a field": Fault(kind=Kind.BAD_HEADER, size=7),
}


@pytest.mark.parametrize("fault", ODD.values(), ids=ODD)
async def test_row(scene: Scene, fault: Fault) -> None:
    scene.engine.faults.set(fault)
    await moved(scene)
    assert not scene.line.open  # its connection is not trusted again

    scene.everywhere(fault)
    await refused(scene)


@pytest.mark.parametrize("status", [100, 102, 103])
async def test_row_12_interim_answers_are_dropped(scene: Scene, status: int) -> None:
    scene.engine.faults.set(Fault(kind=Kind.INTERIM, status=status, size=3))

    for number, stream in enumerate((True, False), 1):
        assert whole(await scene.ask(stream=stream), stream=stream)
        assert await scene.told(number) == Told()


async def test_row_14_refused_while_the_body_is_uploaded(scene: Scene) -> None:
    said = b'{"error":{"message":"never"}}\n'
    answer = b"HTTP/1.1 413 Too Large\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said)

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)  # and the body is left where it is
        await asyncio.Event().wait()

    scene.line.script = early
    async with connected(scene.port) as wire:
        wire.send(post(chat(padding="x" * 30_000_000)))
        reply = await wire.answer()

    assert (reply.status, reply.body) == (413, said)
    assert await scene.told() == Told(end="CW", failure="backend_status", status=413)
    assert not len(scene.other.requests)


async def test_row_15_2000_fields(scene: Scene) -> None:
    many = b"".join(b"x-%d: y\r\n" % number for number in range(2000))
    scene.line.script = saying(OK + many + PLAIN + b"\r\n" + BODY)

    await moved(scene)


@pytest.mark.parametrize(
    "head",
    [
        OK + b"x-a: b\r\n c\r\n" + PLAIN + b"\r\n",
        OK + b"x-a: b\nx-c: d\r\n" + PLAIN + b"\r\n",
        (OK + PLAIN + b"\r\n").replace(b"\r\n", b"\n"),
    ],
    ids=["folded", "one bare lf", "only bare lf"],
)
async def test_row_17_folds_and_bare_line_feeds_never_reach_a_client(
    scene: Scene, head: bytes
) -> None:
    scene.line.script = saying(head + BODY)

    async with connected(scene.port) as wire:
        wire.send(post(chat()))
        raw = await wire.reader.readuntil(b"\r\n\r\n")

    assert raw.startswith(OK)
    for line in raw.split(b"\r\n")[1:-2]:
        assert b"\n" not in line
        assert not line.startswith((b" ", b"\t"))
    assert (await scene.told()).end == "--"


@pytest.mark.parametrize("reason", [b"O\x00K", b"O\x1b[31mK", b"O\x0bK"])
async def test_row_16_a_control_byte_in_the_reason_is_left_out(scene: Scene, reason: bytes) -> None:
    scene.line.script = saying(b"HTTP/1.1 200 " + reason + b"\r\n" + PLAIN + b"\r\n" + BODY)

    async with connected(scene.port) as wire:
        wire.send(post(chat()))
        line = await wire.reader.readuntil(b"\r\n")

    assert line == b"HTTP/1.1 200 \r\n"
    assert (await scene.told()).end == "--"


@late("first_token")
async def test_row_18_a_head_that_drips(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.DRIP_HEAD, seconds=0.01))

    await moved(scene, "first_token_timeout")
