"""A WebSocket that passes through: both directions, and how each way of ending is told."""

from proxy.core.failure import Failure, Kind, Origin, Phase
from tests.fixtures.ends import EngineEnd, head, plain
from tests.fixtures.peer import FakePeer, Passing

SWITCH = head(101, b"Upgrade: websocket", b"Connection: upgrade", b"sec-websocket-accept: abc")
TEXT = b"\x81\x02hi"
CLOSE = b"\x88\x02\x03\xe8"
GOING_AWAY = b"\x88\x02\x03\xe9"
STOPPING = Failure(kind=Kind.DRAINING, origin=Origin.PROXY, phase=Phase.STREAM, detail="stop")


def made(**more: object) -> tuple[Passing, FakePeer, EngineEnd]:
    """Return a WebSocket to which the engine has agreed."""
    world = Passing()
    peer = world.ask("/v1/realtime", model="m", **more)  # type: ignore[arg-type] # passed on
    end = world.reached()
    end.send(SWITCH)
    return world, peer, end


def test_the_handshake_and_every_byte_pass() -> None:
    world, peer, end = made()
    end.send(TEXT)
    assert peer.through is not None
    peer.through.from_client(b"\x81\x80mask")  # type: ignore[attr-defined] # it is a WebSocket

    assert end.asked.startswith(b"GET /v1/realtime?model=m HTTP/1.1\r\nhost: a:8000\r\n")
    assert b"\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" in end.asked
    assert end.asked.endswith(b"\r\n\r\n\x81\x80mask")
    assert peer.raw.startswith(b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n")
    assert b"sec-websocket-accept: abc\r\nx-request-id: id-1\r\nx-headrace-backend: a" in peer.raw
    assert peer.raw.endswith(b"\r\n\r\n" + TEXT)
    assert peer.tunnel
    assert world.world.backends["a"].in_flight == 1
    peer.leave()
    world.assert_at_rest()


def test_a_client_that_has_said_so_leaves_well_and_its_close_still_goes_out() -> None:
    world, peer, end = made()
    peer.through.from_client(b"\x88\x80mask")  # type: ignore[union-attr]
    peer.leave()

    assert (peer.end, end.wire.aborted, end.gone) == ("--", False, True)
    world.assert_at_rest()


def test_either_side_that_just_leaves_is_told() -> None:
    world, peer, _ = made()
    peer.leave()
    other, second, end = made()
    end.close()

    assert (peer.end, second.end, second.ended) == ("CS", "BS", [False])
    world.assert_at_rest()
    other.assert_at_rest()


def test_an_engine_that_has_said_so_closes_well() -> None:
    world, peer, end = made()
    end.send(CLOSE)
    end.close()

    assert (peer.end, peer.ended) == ("--", [False])
    assert peer.raw.endswith(CLOSE)
    world.assert_at_rest()


def test_it_is_closed_with_1001_between_two_frames_only() -> None:
    for said, told in ((TEXT, True), (TEXT[:3], False), (CLOSE, False)):
        world, peer, end = made()
        end.send(said)
        peer.through.go_away()  # type: ignore[union-attr]
        peer.through.stop(STOPPING)  # type: ignore[union-attr]
        assert (peer.end, peer.raw.endswith(GOING_AWAY)) == ("PS", told)
        world.assert_at_rest()


def test_before_it_stands_it_is_a_request_like_any_other() -> None:
    world = Passing()
    refused, left, waiting = (world.ask("/v1/realtime", model="m") for _ in range(3))
    first, second, third = (dial.connect() for dial in world.world.pools["a"].dials)
    waiting.through.go_away()  # type: ignore[union-attr]
    assert not waiting.end
    waiting.through.stop(STOPPING)  # type: ignore[union-attr]
    first.send(plain(b'{"error":"no"}', 403))
    left.leave()

    assert (refused.answer.status, refused.end) == (403, "CW")
    assert (waiting.answer.status, left.end) == (503, "CW")
    assert second.wire.aborted
    assert third.gone
    world.assert_at_rest()


def test_bytes_that_came_too_early_end_it() -> None:
    world, peer, end = made(early=True)

    assert (peer.answer.status, peer.end, end.gone) == (400, "CR", True)
    world.assert_at_rest()


def test_silence_ends_it() -> None:
    world, peer, _ = made()
    world.world.pass_time(4.0)

    assert peer.end == "TS"
    assert peer.raw.endswith(GOING_AWAY)
    world.assert_at_rest()


def test_the_next_backend_is_dialled_if_the_first_is_not_there() -> None:
    world = Passing("ab")
    peer = world.ask("/v1/realtime", model="m")
    world.world.dial("a").fail(
        Failure(kind=Kind.CONNECT_REFUSED, origin=Origin.BACKEND, phase=Phase.CONNECT, detail="no")
    )
    world.reached("b").send(SWITCH)

    assert (peer.call.attempts, peer.call.status) == (2, 101)
    peer.leave()
    world.assert_at_rest()
