"""A link carries frames both ways and tells of the end of the other side."""

import asyncio
import socket

from proxy.boot.frames import Applied, Drain, Ended, Frame
from proxy.boot.link import MAX_WAITING, Link
from tests.fixtures.stack import eventually


async def pair() -> tuple[Link, Link, list[Frame], list[str]]:
    one, two = socket.socketpair()
    heard: list[Frame] = []
    ends: list[str] = []
    first = await Link.open(one, heard.append, lambda: ends.append("first"))
    second = await Link.open(two, heard.append, lambda: ends.append("second"))
    return first, second, heard, ends


async def test_frames_go_both_ways_in_order() -> None:
    first, second, heard, ends = await pair()

    first.send(Drain())
    first.send(Applied(serial=1))
    second.send(Applied(serial=2))
    await eventually(lambda: len(heard) == 3)

    assert heard.index(Drain()) < heard.index(Applied(serial=1))
    first.close()
    await asyncio.gather(first.ended.wait(), second.ended.wait())
    assert sorted(ends) == ["first", "second"]
    second.send(Drain())  # to nobody


async def test_what_may_be_lost_is_given_up_while_the_other_side_is_stuck() -> None:
    one, two = socket.socketpair()
    link = await Link.open(one, lambda frame: None, lambda: None)
    big = Ended(entries=[])
    link.send(Ended(entries=[["x" * MAX_WAITING, None, None, None]] * 2))  # type: ignore[list-item]

    link.send(big, droppable=True)
    link.send(big)

    assert link.dropped == 1
    two.close()
    link._transport.abort()  # type: ignore[union-attr]
    await link.ended.wait()
