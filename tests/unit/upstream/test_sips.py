"""Reading in sips: from the first bulky read on, and no longer than its answer lasts."""

import asyncio
from collections.abc import Callable

import pytest
from typing_extensions import override

from proxy.upstream.framing import LAST_CHUNK
from proxy.upstream.sips import SIP, Cup, Sips
from tests.fixtures.ends import SSE, EngineEnd, chunk, head
from tests.unit.upstream.test_exchange import Keeper, again, begun

LARGE = b"x" * (3 * SIP)
LENGTH = head(200, b"content-length: %d" % (2 * len(LARGE)))
CLOSE = head(200, b"connection: close")


class Drinker(asyncio.Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    @override
    def data_received(self, data: bytes) -> None:
        self.heard.append(data)

    @override
    def eof_received(self) -> bool:
        self.heard.append("eof")
        return True

    @override
    def pause_writing(self) -> None:
        self.heard.append("pause")

    @override
    def resume_writing(self) -> None:
        self.heard.append("resume")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.heard.append(exc)


def sizes(keeper: Keeper) -> list[int]:
    return [len(piece) for piece in keeper.heard if isinstance(piece, bytes)]


def read(sips: Sips, data: bytes) -> None:
    sips.get_buffer(-1)[: len(data)] = data
    sips.buffer_updated(len(data))


def test_everything_heard_is_the_drinkers() -> None:
    drinker, lost = Drinker(), OSError()
    sips = Sips(drinker, Cup())

    read(sips, b"one")
    sips.pause_writing()
    sips.resume_writing()
    keep_open = sips.eof_received()
    sips.connection_lost(lost)

    assert drinker.heard == [b"one", "pause", "resume", "eof", lost]
    assert keep_open


def test_one_cup_serves_many_and_mixes_nothing() -> None:
    cup = Cup()
    first, second = Drinker(), Drinker()
    sips = [Sips(drinker, cup) for drinker in (first, second)]

    for one, data in zip((*sips, sips[0]), (b"aaaa", b"bb", b"c"), strict=True):
        read(one, data)

    assert first.heard == [b"aaaa", b"c"]
    assert second.heard == [b"bb"]
    assert len(cup.room()) == SIP


@pytest.mark.parametrize(
    ("begun_with", "framed"),
    [(SSE, chunk), (LENGTH, bytes), (CLOSE, bytes)],
    ids=["chunked", "length", "until EOF"],
)
def test_after_a_bulky_read_no_other_is_larger_than_a_sip(
    begun_with: bytes, framed: Callable[[bytes], bytes]
) -> None:
    keeper, end, _ = begun()

    end.send(begun_with, framed(LARGE)[: 2 * SIP])
    assert sizes(keeper) == [2 * SIP]
    end.send(framed(LARGE)[2 * SIP :])

    assert max(sizes(keeper)[1:]) == SIP
    assert b"".join(p for p in keeper.heard if isinstance(p, bytes)) == framed(LARGE)


def test_a_stream_of_tokens_is_never_read_so() -> None:
    _, end, pool = begun()

    end.send(SSE, *(chunk(b"data: token\n\n") for _ in range(100)), LAST_CHUNK)

    assert end.wire.protocol is None
    assert pool.cup._room is None


def test_one_whose_client_was_too_slow_is() -> None:
    _, end, _ = begun()
    end.send(SSE)

    end.connection.pause()
    end.connection.resume()

    assert isinstance(end.wire.protocol, Sips)


@pytest.mark.parametrize("last", [b"", b"0\r\n\r\n"], ids=["later", "with the last piece"])
def test_the_next_exchange_is_read_as_usual(last: bytes) -> None:
    _, end, pool = begun()
    end.send(SSE, chunk(LARGE) + last)
    if not last:
        assert isinstance(end.wire.protocol, Sips)
        end.send(LAST_CHUNK)
        assert end.wire.protocol is end.connection

    keeper = again(end, pool)
    end.send(SSE, chunk(b"data: token\n\n"))

    assert not isinstance(end.wire.protocol, Sips)
    assert sizes(keeper) == [len(chunk(b"data: token\n\n"))]


def test_an_engine_that_closes_while_it_is_read_so_ends_the_answer() -> None:
    keeper, end, _ = begun()
    end.send(CLOSE, LARGE)
    sips = end.wire.protocol
    assert isinstance(sips, Sips)

    sips.connection_lost(None)

    assert keeper.heard[-1] == ("last", b"")


def test_nothing_is_changed_on_a_connection_that_is_closing() -> None:
    class Leaver(Keeper):
        end: EngineEnd

        @override
        def chunk(self, data: bytes) -> None:
            self.end.connection.abort()

    _, end, _ = begun()
    leaver = Leaver()
    leaver.end = end
    end.send(SSE)
    end.connection.redirect(leaver)
    end.wire.closing = True

    end.connection.data_received(chunk(LARGE))

    assert end.wire.protocol is None
