"""Exchange: one response after another on a connection, framed, counted and never trusted."""

import gc
import inspect

import pytest
from typing_extensions import override

from proxy.core.failure import Failure, Kind, Phase
from proxy.core.patched import LARGE, Patched
from proxy.upstream.exchange import BIG_BODY
from proxy.upstream.framing import LAST_CHUNK, ResponseHead
from proxy.upstream.state import State
from tests.fixtures.ends import SSE, EngineEnd, ScriptedPool, chunk, head, plain

REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\n\r\n"


class Keeper:
    """A receiver that keeps what it hears, in order."""

    def __init__(self, phase: Phase = Phase.WAIT) -> None:
        self.phase = phase
        self.heard: list[object] = []
        self.heads: list[tuple[ResponseHead, int]] = []
        self.failure: Failure | None = None

    def head(self, head: ResponseHead, length: int) -> None:
        self.heads.append((head, length))

    def whole(self, head: ResponseHead, length: int, body: bytes) -> None:
        self.head(head, length)
        self.last(body)

    def chunk(self, data: bytes) -> None:
        self.heard.append(data)

    def last(self, data: bytes) -> None:
        self.heard.append(("last", data))

    def failed(self, failure: Failure) -> None:
        self.failure = failure


def begun(phase: Phase = Phase.WAIT) -> tuple[Keeper, EngineEnd, ScriptedPool]:
    pool = ScriptedPool("a", lambda: 0.0)
    end = EngineEnd(pool)
    keeper = Keeper(phase)
    end.connection.begin(REQUEST, b"{}", keeper)
    return keeper, end, pool


def again(end: EngineEnd, pool: ScriptedPool) -> Keeper:
    assert pool.take(0.0) is end.connection
    keeper = Keeper()
    end.connection.begin(REQUEST, b"{}", keeper)
    return keeper


@pytest.mark.parametrize("size", [0, 2, BIG_BODY, 100_000])
def test_a_request_is_sent_whole_whatever_its_size(size: int) -> None:
    end = EngineEnd(ScriptedPool("a", lambda: 0.0))

    end.connection.begin(REQUEST, b"x" * size, Keeper())

    assert end.asked == REQUEST + b"x" * size
    assert repr(end.connection) == "<Connection HEAD used=1>"


def test_a_body_in_pieces_is_sent_whole() -> None:
    end = EngineEnd(ScriptedPool("a", lambda: 0.0))

    end.connection.begin(REQUEST, Patched(b"x" * LARGE, 5, 7, b"new"), Keeper())

    assert end.asked == REQUEST + b"xxxxxnew" + b"x" * (LARGE - 7)


def test_pieces_are_handed_on_as_they_came() -> None:
    keeper, end, _ = begun()

    end.send(SSE + chunk(b"one"), chunk(b"two")[:4], chunk(b"two")[4:], LAST_CHUNK)

    assert keeper.heard == [
        chunk(b"one"),
        chunk(b"two")[:4],
        chunk(b"two")[4:],
        ("last", LAST_CHUNK),
    ]


def test_the_connection_is_free_before_its_receiver_hears_the_end() -> None:
    _, end, pool = begun()
    taken = []

    class Eager(Keeper):
        @override
        def last(self, data: bytes) -> None:
            taken.append(pool.take(0.0))

    end.connection.redirect(Eager())
    end.send(plain(b"{}"))

    assert taken == [end.connection]


def test_a_redirected_response_goes_on_to_the_other() -> None:
    first, end, _ = begun()
    second = Keeper(Phase.STREAM)
    end.send(SSE + chunk(b"one"))

    end.connection.redirect(second)
    end.send(chunk(b"two"))
    end.close()

    assert first.heard == [chunk(b"one")]
    assert second.heard == [chunk(b"two")]
    assert second.failure is not None
    assert not second.failure.retryable


def test_a_response_read_whole_cannot_be_redirected_or_paused() -> None:
    _, end, _ = begun()
    late = Keeper()
    end.send(plain(b"{}"))

    end.connection.redirect(late)
    end.connection.pause()
    end.close()

    assert not end.wire.paused
    assert late.failure is None


@pytest.mark.parametrize(
    ("said", "retryable", "free"),
    [(b"", True, False), (b"HTTP", True, False), (SSE + chunk(b"x"), True, False)],
)
def test_a_fresh_connection_that_ends_is_a_failure_with_a_price(
    said: bytes, retryable: bool, free: bool
) -> None:
    keeper, end, pool = begun()
    if said:
        end.send(said)

    end.close()

    assert keeper.failure is not None
    assert keeper.failure.kind is Kind.CLOSED
    assert (keeper.failure.retryable, keeper.failure.free) == (retryable, free)
    assert end.connection.state is State.CLOSED
    assert pool.open == 0


@pytest.mark.parametrize(("said", "free"), [(b"", True), (b"H", False)])
def test_only_a_used_connection_that_ends_without_a_byte_is_a_stale_one(
    said: bytes, free: bool
) -> None:
    _, end, pool = begun()
    end.send(plain(b"{}"))
    keeper = again(end, pool)
    if said:
        end.send(said)

    end.reset()

    assert keeper.failure is not None
    assert keeper.failure.free is free


def test_an_aborted_exchange_says_no_more() -> None:
    keeper, end, pool = begun()

    end.connection.abort()
    end.connection.data_received(plain(b"{}"))
    end.reset()

    assert end.wire.aborted
    assert not keeper.heard
    assert keeper.failure is None
    assert pool.open == 0


def test_leaving_spares_a_connection_whose_response_is_whole() -> None:
    _, end, pool = begun()
    end.send(plain(b"{}"))

    end.connection.leave()

    assert not end.wire.closing
    assert pool.take(0.0) is end.connection


@pytest.mark.parametrize(
    "said",
    [
        head(200, b"content-length: 2", b"connection: close") + b"{}",
        head(200, b"content-type: text/plain") + b"until closed",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    ],
)
def test_a_connection_that_will_be_closed_is_not_kept(said: bytes) -> None:
    _, end, pool = begun()

    end.send(said)
    end.close()

    assert pool.take(0.0) is None


def test_a_request_not_yet_sent_whole_is_cut_off_when_its_answer_is_whole() -> None:
    keeper, end, pool = begun()
    end.wire.unsent = 5000

    end.send(plain(b"{}", 413))

    assert end.wire.aborted
    assert keeper.heard == [("last", b"{}")]
    assert pool.take(0.0) is None


def test_heads_that_differ_in_length_and_id_only_are_parsed_once() -> None:
    keeper, end, pool = begun()
    end.send(plain(b"{}", 200, b"x-request-id: 1"))
    for body in (b"12345", b"", b"1"):
        later = again(end, pool)
        end.send(plain(body, 200, b"x-request-id: %b" % body))
        assert later.heads[0][0] is keeper.heads[0][0]
        assert later.heads[0][1] == len(body)
        assert later.heard == [("last", body)]
    assert len(pool.heads) == 1


@pytest.mark.parametrize("value", [b"1\ncontent-length: 9", b"1\rx: y", b"\x00", b"1\n"])
def test_an_echoed_id_that_no_parser_takes_is_not_recognised(value: bytes) -> None:
    _, end, pool = begun()
    end.send(plain(b"{}", 200, b"x-request-id: 1"))

    later = again(end, pool)
    end.send(plain(b"{}", 200, b"x-request-id: %b" % value))

    assert later.failure is not None
    assert later.failure.kind is Kind.BAD_RESPONSE


def test_an_empty_body_seen_first_does_not_stand_for_others() -> None:
    _, end, pool = begun()
    end.send(plain(b""))

    later = again(end, pool)
    end.send(plain(b"12345"))

    assert later.heard == [("last", b"12345")]


@pytest.mark.parametrize("value", [b"5 ", b"05", b" 5"])
def test_an_oddly_written_length_is_read_all_the_same(value: bytes) -> None:
    keeper, end, _ = begun()

    end.send(head(200, b"content-length: " + value) + b"12345")

    assert keeper.heard == [("last", b"12345")]


def test_the_memory_for_heads_is_bounded() -> None:
    _, end, pool = begun()
    end.send(plain(b"{}"))
    for number in range(200):
        again(end, pool)
        end.send(plain(b"{}", 200, b"date: %d" % number))

    assert len(pool.heads) <= 64


@pytest.mark.parametrize(
    "surplus", [b"x", b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\n\r\n", b"\r\n0\r\n\r\n"]
)
def test_a_chunk_that_begins_like_the_last_one_is_not_taken_for_it(surplus: bytes) -> None:
    body = b"10\r\n\r\n" + b"a" * 14 + b"\r\n"  # sixteen bytes, the first two a line end
    keeper, end, _ = begun()

    end.send(SSE + body + LAST_CHUNK + surplus)

    if keeper.failure is None:
        assert keeper.heard == [("last", body + LAST_CHUNK)]
    assert end.wire.closing


def test_pausing_and_resuming_are_idempotent() -> None:
    _, end, _ = begun()

    end.connection.resume()
    end.connection.pause()
    end.connection.pause()
    assert end.wire.paused
    end.connection.resume()
    end.connection.resume()

    assert not end.wire.paused


def test_a_connection_that_is_closing_is_neither_paused_nor_resumed() -> None:
    _, end, _ = begun()
    end.connection.pause()
    end.wire.closing = True

    end.connection.resume()
    assert end.wire.paused
    end.connection.pause()


@pytest.mark.parametrize("how", ["abort", "lost", "whole"])
def test_a_connection_that_is_done_refers_to_nobody(how: str) -> None:
    """Who receives refers to the connection: a cycle would keep both until a full collection."""
    _, end, _ = begun()
    receiver = Keeper(Phase.STREAM)
    end.send(SSE)
    end.connection.redirect(receiver)

    if how == "abort":
        end.connection.abort()
    elif how == "lost":
        end.reset()
    else:
        end.send(LAST_CHUNK)

    kept = [each for each in gc.get_referrers(receiver) if inspect.ismethod(each)]
    assert not kept
