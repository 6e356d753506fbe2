"""One request that passes through: what goes where, and its one end."""

import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.edge.through import HELD
from tests.fixtures.ends import LAST, chunk, head, plain
from tests.fixtures.peer import Passing

CHUNKED = head(200, b"transfer-encoding: chunked")
REFUSED = Failure(
    kind=Kind.CONNECT_REFUSED, origin=Origin.BACKEND, phase=Phase.CONNECT, detail="nothing there"
)


def test_a_request_and_its_answer_pass() -> None:
    world = Passing()
    peer = world.ask("/v1/files/f-1")
    end = world.reached()
    end.send(plain(b'{"id":"f-1"}'))

    assert end.asked == (
        b"GET /v1/files/f-1 HTTP/1.1\r\nhost: a:8000\r\nx-a: b\r\n"
        b"connection: close\r\nx-request-id: id-1\r\n\r\n"
    )
    assert (peer.answer.status, peer.answer.body, peer.end) == (200, b'{"id":"f-1"}', "--")
    assert peer.answer.fields["x-headrace-backend"] == "a"
    assert peer.ended == [True]
    assert end.gone
    world.assert_at_rest()


@pytest.mark.parametrize(
    ("length", "framed"), [(6, b"abcdef"), (-1, b"3\r\nabc\r\n3\r\ndef\r\n" + LAST)]
)
def test_a_body_follows_its_head_as_it_comes(length: int, framed: bytes) -> None:
    world = Passing()
    peer = world.ask(method="POST", length=length)
    assert peer.through is not None
    peer.through.more(b"abc")  # the engine's connection does not stand yet
    end = world.reached()
    peer.through.more(b"def")
    peer.through.uploaded()
    end.send(plain(b"{}"))

    assert end.asked.endswith(b"\r\n\r\n" + framed)
    assert (peer.call.body_size, peer.end) == (6, "--")
    world.assert_at_rest()


def test_who_is_slower_pauses_the_other() -> None:
    world = Passing()
    peer = world.ask(method="POST", length=1 << 20)
    through = peer.through
    assert through is not None
    through.more(b"x" * HELD)
    assert not peer.held
    through.more(b"x")
    assert peer.held
    end = world.reached()
    assert not peer.held
    end.connection.pause_writing()
    assert peer.held
    end.connection.resume_writing()
    assert not peer.held
    end.send(CHUNKED, chunk(b"a"))
    through.client_paused()
    assert end.wire.paused
    through.client_resumed()
    assert not end.wire.paused
    peer.leave()
    world.assert_at_rest()


def test_an_answer_before_the_body_is_whole_is_the_last() -> None:
    world = Passing()
    peer = world.ask(method="POST", length=100)
    world.reached().send(plain(b"{}", 413))

    assert (peer.answer.status, peer.answer.fields["connection"]) == (413, "close")
    assert peer.end == "CW"
    world.assert_at_rest()


@pytest.mark.parametrize("http10", [False, True])
def test_what_ends_by_closing_reaches_its_client_framed(*, http10: bool) -> None:
    world = Passing()
    peer = world.ask(http10=http10)
    end = world.reached()
    end.send(head(200), b"part")
    end.close()

    assert (peer.answer.body, peer.answer.complete, peer.end) == (b"part", True, "--")
    world.assert_at_rest()


def test_an_answer_to_head_has_no_body() -> None:
    world = Passing(kind="ollama")
    peer = world.ask("/api/blobs/sha256:" + "0" * 64, method="HEAD")
    end = world.reached()
    end.send(head(200, b"content-length: 77"))

    assert peer.raw.endswith(b"\r\n\r\n")
    assert peer.answer.fields["content-length"] == "77"
    assert (peer.end, end.gone) == ("--", True)
    world.assert_at_rest()


def test_a_broken_answer_is_never_ended_cleanly() -> None:
    world = Passing()
    peer = world.ask()
    end = world.reached()
    end.send(CHUNKED, chunk(b"a"))
    end.reset()

    assert (peer.answer.complete, peer.ended, peer.end) == (False, [False], "BS")
    assert peer.call.failure is not None
    assert peer.call.failure.kind is Kind.TRUNCATED
    world.assert_at_rest()


@pytest.mark.parametrize(
    ("said", "end", "status"),
    [(b"rubbish\r\n\r\n", "BW", 502), (head(302, b"location: /x"), "BW", 502), (b"", "BW", 502)],
)
def test_what_is_no_answer_becomes_an_error(said: bytes, end: str, status: int) -> None:
    world = Passing()
    peer = world.ask()
    engine = world.reached()
    if said:
        engine.send(said)
    else:
        engine.close()

    assert (peer.answer.status, peer.end) == (status, end)
    world.assert_at_rest()


def test_a_connect_that_fails_is_told_and_checked() -> None:
    world = Passing()
    peer = world.ask()
    world.world.dial().fail(REFUSED)

    assert (peer.answer.status, peer.end) == (502, "BC")
    assert world.world.suspects == [world.world.backends["a"]]
    assert world.world.books.failed == [(REFUSED, False)]
    world.assert_at_rest()


def test_a_backend_that_is_not_up_is_503() -> None:
    world = Passing()
    world.world.backends["a"].health.drain(world.world.time)
    peer = world.ask()

    assert (peer.answer.status, peer.end) == (503, "PQ")
    world.assert_at_rest()


@pytest.mark.parametrize(
    ("before", "seconds", "end", "status"),
    [("", 2.6, "TC", 504), ("connected", 5.6, "TW", 504), ("begun", 4.1, "TS", 200)],
)
def test_each_phase_has_its_time(before: str, seconds: float, end: str, status: int) -> None:
    world = Passing()
    peer = world.ask()
    if before:
        engine = world.reached()
        if before == "begun":
            engine.send(CHUNKED, chunk(b"a"))
    world.world.pass_time(seconds - 1.2)
    assert not peer.end
    world.world.pass_time(1.2)

    assert (peer.answer.status, peer.end) == (status, end)
    world.assert_at_rest()


def test_a_client_that_stops_sending_or_wants_it_sooner() -> None:
    world = Passing()
    stalled, hurried = world.ask(method="POST", length=9), world.ask(timeout=1.0)
    for dial in world.world.pools["a"].dials:
        dial.connect()
    world.world.pass_time(4.6)

    assert (stalled.answer.status, stalled.end) == (408, "TR")
    assert (hurried.answer.status, hurried.end) == (504, "TW")
    world.assert_at_rest()


def test_what_is_stopped_or_left_ends_once() -> None:
    world = Passing()
    stopping = Failure(kind=Kind.DRAINING, origin=Origin.PROXY, phase=Phase.WAIT, detail="stop")
    peers = [world.ask() for _ in range(2)]
    ends = [dial.connect() for dial in world.world.pools["a"].dials]
    for peer in peers:
        assert peer.through is not None
        peer.through.go_away()
        assert not peer.end
    peers[0].through.stop(stopping)  # type: ignore[union-attr] # looked at above
    peers[0].through.stop(stopping)  # type: ignore[union-attr]
    peers[1].leave()
    peers[1].through.client_gone()  # type: ignore[union-attr]

    assert [peer.end for peer in peers] == ["PW", "CW"]
    assert "WAIT" in repr(peers[0].through)
    assert all(end.gone for end in ends)
    world.assert_at_rest()
