"""Rows 1 to 9: an engine whose answer ends where it should not.

Before its first event the call moves to the other engine, and the client never knows. After it the
client is told, by an error event where one fits and by a body that never ends well.
"""

import asyncio

import pytest

from benchmarks.fake.faults import Fault, Kind
from tests.fixtures.chaos import ERROR, Scene, Told, whole
from tests.fixtures.faultline import Way
from tests.fixtures.wire import Broken, chat, connected, post

MOVED = Told(attempts=2, backend="b", blamed=1)
BROKEN = Told(end="BS", failure="truncated_stream", blamed=1)


async def moved(scene: Scene, why: str) -> None:
    """Check that a call struck at `a` was served whole by `b`, streamed or not."""
    for number, stream in enumerate((True, False), 1):
        assert whole(await scene.ask(stream=stream), stream=stream)
        told = await scene.told(number)
        assert told == Told(attempts=2, backend="b", blamed=number)
    assert scene.retried() == [why, why]


async def refused(scene: Scene, *, failure: str, status: int = 502, end: str = "BW") -> None:
    """Check what a client is told where there is no other engine."""
    reply = await scene.ask()
    assert (reply.status, reply.code) == (status, failure)
    assert reply.json["error"]["message"]
    assert await scene.told() == Told(end=end, failure=failure, status=status, blamed=1)


@pytest.mark.parametrize("door", [False, True], ids=["read", "unread"])
async def test_row_1_closed_by_fin_before_any_byte(scene: Scene, *, door: bool) -> None:
    kind = Kind.CLOSE_ACCEPT if door else Kind.CLOSE
    scene.engine.faults.set(Fault(kind=kind))

    await moved(scene, "closed_by_backend")


@pytest.mark.parametrize("door", [False, True], ids=["read", "unread"])
async def test_row_2_closed_by_rst_before_any_byte(scene: Scene, *, door: bool) -> None:
    kind = Kind.CLOSE_ACCEPT if door else Kind.CLOSE
    scene.engine.faults.set(Fault(kind=kind, reset=True))

    await moved(scene, "closed_by_backend")


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_rows_1_and_2_without_another_engine_are_told(alone: Scene, *, reset: bool) -> None:
    alone.engine.faults.set(Fault(kind=Kind.CLOSE, reset=reset))

    await refused(alone, failure="closed_by_backend")


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_rows_1_and_2_on_an_idle_connection_are_nobodys_fault(
    scene: Scene, *, reset: bool
) -> None:
    assert whole(await scene.ask())  # now there is an idle connection
    scene.engine.faults.set(Fault(kind=Kind.CLOSE, reset=reset, next=1))

    assert whole(await scene.ask())

    assert await scene.told(2) == Told(attempts=2)
    assert scene.line.accepted > 1  # over a fresh one, to the same engine


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_row_3_closed_after_the_head_without_an_event(scene: Scene, *, reset: bool) -> None:
    scene.engine.faults.set(Fault(kind=Kind.CLOSE_HEAD, reset=reset))

    await moved(scene, "closed_by_backend")


async def test_row_4_closed_by_fin_after_three_tokens(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.CUT, after=3))

    got = await scene.broken()

    assert got.count(b'"content":" ') == 2
    assert got.count(ERROR) == 1
    assert b"truncated_stream" in got
    assert await scene.told() == BROKEN
    assert not len(scene.other.requests)


async def test_row_5_closed_by_rst_after_three_tokens(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.CUT, after=3, reset=True))

    got = await scene.broken()

    assert got.count(ERROR) == 1
    assert await scene.told() == BROKEN
    assert not len(scene.other.requests)


async def test_row_6_killed_inside_an_event(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.CUT_INSIDE, after=3))

    got = await scene.broken()

    assert b"[DONE]" not in got
    assert await scene.told() == BROKEN


async def test_row_6_only_whole_events_reach_the_client(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.CUT_INSIDE, after=3))

    got = await scene.broken()

    assert got.endswith(b"\n\n\r\n")
    assert got.count(ERROR) == 1


async def test_rows_4_to_6_a_client_of_http_1_0_is_told_by_a_reset(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.CUT, after=3))

    async with connected(scene.port) as wire:
        wire.send(post(chat(6, stream=True), version="1.0"))
        with pytest.raises(ConnectionResetError):
            await wire.reader.read()


async def test_row_7_fewer_bytes_than_announced(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.WRONG_LENGTH, size=50))

    await scene.broken(stream=False)

    assert await scene.told() == BROKEN
    assert not len(scene.other.requests)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain"])
async def test_row_8_bytes_behind_the_answer(scene: Scene, *, stream: bool) -> None:
    scene.engine.faults.set(Fault(kind=Kind.EXTRA_BYTES))

    for _ in range(2):
        reply = await scene.ask(stream=stream)
        assert whole(reply, stream=stream)
        assert b"nobody" not in reply.raw

    assert await scene.told(2) == Told()
    assert len({record.connection for record in scene.engine.requests}) == 2  # never used again


async def test_row_9_a_chunk_size_that_is_none(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.BAD_CHUNK, after=3))

    await scene.broken()

    assert await scene.told() == Told(end="BS", failure="bad_response", blamed=1)
    assert not len(scene.other.requests)


async def test_row_9_before_anything_was_sent(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.BAD_CHUNK, next=1))

    assert whole(await scene.ask())

    assert await scene.told() == MOVED


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_no_cut_of_an_answer_looks_like_its_end(alone: Scene, *, reset: bool) -> None:
    size = len((await alone.ask()).raw)
    wholes = 0
    for cut in range(1, size + 600, 53):  # 600: the head, generously
        alone.line.break_all()
        alone.line.down = Way(cut=cut, reset=reset)
        try:
            reply = await alone.ask()
        except (Broken, asyncio.IncompleteReadError):
            assert cut < size + 600
        else:
            assert whole(reply) or reply.status == 502
            wholes += whole(reply)
        alone.forgive()

    assert 0 < wholes < 12  # only where the cut lies behind the end
