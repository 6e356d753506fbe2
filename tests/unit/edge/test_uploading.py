"""A client connection that carries what passes through: bodies go on, and messages stay apart."""

from proxy.dialects.registry import engine
from proxy.edge.receiving import Stage
from tests.fixtures.client_end import ClientEnd
from tests.fixtures.course import World
from tests.fixtures.ends import EngineEnd, plain

UPGRADE = (
    b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"


def made(kind: str = "openai", **limits: float) -> ClientEnd:
    world = World("a", kind=kind)
    world.course.sides[world.backends["a"]].engine = engine(kind)
    return ClientEnd(world, **limits)


def asked(*fields: bytes, path: bytes = b"/v1/files", method: bytes = b"POST") -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (method, path, lines)


def reached(client: ClientEnd) -> EngineEnd:
    return client.world.reached()


def over(client: ClientEnd) -> list[str]:
    """Return how the requests ended, with nothing left."""
    client.leave()
    assert not client.edge.passing
    client.world.assert_at_rest()
    return [call.end for call in client.world.books.finished_calls]


async def test_requests_without_bodies_follow_each_other() -> None:
    client = made()
    for count in (1, 2):
        client.send(asked(method=b"GET"))
        assert client.stage is Stage.CALL
        reached(client).send(plain(b"{}"))
        assert client.stage is Stage.IDLE
        assert client.wire.written.count(b"HTTP/1.1 200") == count
    assert over(client) == ["--", "--"]


async def test_a_body_goes_on_as_it_arrives() -> None:
    client = made()
    client.send(asked(b"Content-Length: 6"), b"ab")
    assert client.stage is Stage.UPLOAD
    end = reached(client)
    client.send(b"cd")
    assert end.asked.endswith(b"\r\n\r\nabcd")
    client.send(b"ef")
    assert client.stage is Stage.CALL
    end.send(plain(b"{}"))

    assert end.asked.endswith(b"\r\n\r\nabcdef")
    assert client.stage is Stage.IDLE
    assert over(client) == ["--"]


async def test_chunks_are_framed_anew_and_take_no_memory() -> None:
    client = made()
    client.send(asked(b"Transfer-Encoding: chunked", b"Expect: 100-continue"))
    end = reached(client)
    assert client.wire.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    for _ in range(50):
        client.send(b"3;ext\r\nabc\r\n")
    payload = client.connection._payload
    assert payload is not None
    assert (len(payload._buffer), payload._size) == (0, 0)
    assert not payload._http_chunk_splits
    client.send(b"0\r\n\r\n")
    end.send(plain(b"{}"))

    assert end.asked.endswith(b"\r\n\r\n" + b"3\r\nabc\r\n" * 50 + b"0\r\n\r\n")
    assert over(client) == ["--"]


async def test_a_body_that_breaks_or_grows_too_large_ends_its_upload() -> None:
    for body, status in ((b"zz\r\n", 400), (b"800\r\n" + b"x" * 2048 + b"\r\n", 413)):
        client = made(body=1024)
        client.send(asked(b"Transfer-Encoding: chunked"))
        end = reached(client)
        client.send(body)
        assert (client.answer.status, client.answer.fields["connection"]) == (status, "close")
        assert end.wire.aborted
        assert client.wire.eof  # it may still read why
        assert over(client) == ["CR"]


async def test_a_known_length_over_the_limit_is_refused_but_for_blobs() -> None:
    client = made(body=1024)
    client.send(asked(b"Content-Length: 2048"))
    assert client.answer.status == 413
    assert over(client) == ["CR"]

    client = made("ollama", body=1024)
    client.edge.ollama_admin = True
    blob = b"/api/blobs/sha256:" + b"0" * 64
    client.send(asked(b"Content-Length: 2048", path=blob), b"x" * 2048)
    reached(client).send(plain(b"{}"))
    assert client.answer.status == 200
    assert over(client) == ["--"]


async def test_a_refusal_before_the_body_is_whole_closes_and_after_a_whole_one_does_not() -> None:
    client = made("ollama")
    client.send(asked(b"Content-Length: 2", path=b"/api/pull"), b"{")
    assert (client.answer.status, client.stage) == (403, Stage.CLOSED)
    assert over(client) == ["CR"]

    client = made("vllm")
    client.send(asked(method=b"GET"))
    assert (client.answer.status, client.stage) == (404, Stage.IDLE)
    assert over(client) == ["CR"]


async def test_a_client_that_leaves_while_sending_frees_the_engine() -> None:
    client = made()
    client.send(asked(b"Content-Length: 6"), b"ab")
    end = reached(client)
    client.connection.eof_received()

    assert client.wire.aborted
    assert over(client) == ["CW"]
    assert end.wire.aborted


async def test_the_transport_is_held_for_a_slow_engine() -> None:
    client = made()
    client.send(asked(b"Content-Length: 600000"), b"x" * 200_000)
    assert client.wire.paused
    end = reached(client)
    assert not client.wire.paused
    end.connection.pause_writing()
    assert client.wire.paused
    end.connection.resume_writing()
    client.connection.pause_writing()
    client.connection.resume_writing()
    client.connection.hold()
    client.leave()
    client.connection.read_on()
    assert over(client) == ["CW"]


async def test_a_websocket_has_the_connection_to_its_end() -> None:
    client = made()
    client.send(UPGRADE)
    end = reached(client)
    end.send(SWITCH + b"\x81\x02hi")
    assert client.stage is Stage.TUNNEL
    client.send(b"\x88\x80mask")
    assert end.asked.endswith(b"\x88\x80mask")
    client.connection.eof_received()
    assert client.wire.closing
    assert over(client) == ["--"]


async def test_bytes_behind_an_upgrade_end_it() -> None:
    for early in (True, False):
        client = made()
        client.send(UPGRADE + (b"\x81" if early else b""))
        end = reached(client)
        if not early:
            client.send(b"\x81")
        end.send(SWITCH)
        assert client.answer.status == 400
        assert client.stage is Stage.CLOSED
        assert over(client) == ["CR"]


async def test_a_drain_sends_websockets_away() -> None:
    client = made()
    client.send(UPGRADE)
    reached(client).send(SWITCH)
    client.connection.drain()

    assert client.wire.written.endswith(b"\x88\x02\x03\xe9")
    assert over(client) == ["PS"]
