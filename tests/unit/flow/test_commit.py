"""Commit: the head a client gets, and which relay carries which pair of framings."""

import pytest

from proxy.core.call import Call
from proxy.flow.commit import head_bytes, own_fields
from proxy.flow.relay import ConvertingRelay
from proxy.upstream.framing import parse_head
from tests.fixtures.course import World
from tests.fixtures.ends import SSE, FakeClient, chunk, head, token
from tests.fixtures.keyed import granted

CHUNKED = head(200, b"transfer-encoding: chunked", b"server: x")
LENGTH = head(200, b"content-length: 5")
EOF = head(200, b"content-type: text/plain")
EMPTY = head(200, b"content-length: 0")
NO_CONTENT = head(204)


@pytest.mark.parametrize(
    ("raw", "http10", "framing", "closing"),
    [
        (CHUNKED, False, b"transfer-encoding: chunked", False),
        (CHUNKED, True, None, True),
        (LENGTH, False, b"content-length: 7", False),
        (LENGTH, True, b"content-length: 7", False),
        (EOF, False, b"transfer-encoding: chunked", False),
        (EOF, True, None, True),
        (EMPTY, False, b"content-length: 0", False),
        (NO_CONTENT, False, None, False),
    ],
)
def test_the_head_says_how_the_client_will_know_the_end(
    raw: bytes, http10: bool, framing: bytes | None, closing: bool
) -> None:
    client = FakeClient(http10=http10)

    lines = head_bytes(parse_head(raw), 7, Call("id-1", "/", 0.0), client).split(b"\r\n")

    found = [line for line in lines if line.startswith((b"transfer-encoding", b"content-length"))]
    assert found == ([] if framing is None else [framing])
    assert (b"connection: close" in lines) is closing
    assert (b"connection: keep-alive" in lines) is (http10 and not closing)
    assert client.closing is closing
    assert lines[0].startswith(b"HTTP/1.1 20")


@pytest.mark.parametrize("keyed", [True, False])
def test_an_engine_speaks_of_its_limits_only_to_clients_without_a_key(keyed: bool) -> None:
    raw = head(200, b"content-length: 5", b"x-ratelimit-limit-requests: 9")
    call = Call("id-1", "/", 0.0)
    if keyed:
        call.grant = granted(requests_per_minute=60)

    told = head_bytes(parse_head(raw), 5, call, FakeClient())

    limit = b"60" if keyed else b"9"
    assert told.count(b"x-ratelimit-limit-requests: ") == 1
    assert b"x-ratelimit-limit-requests: %b\r\n" % limit in told


def test_our_own_fields_tell_who_answered_and_after_how_long() -> None:
    call = Call("id-1", "/", 0.0)
    assert b"x-headrace-backend: -\r\n" in own_fields(call)
    call.backend = World("a").backends["a"]
    call.attempts, call.queued_s = 3, 1.2345

    assert own_fields(call) == (
        b"x-request-id: id-1\r\nx-headrace-backend: a\r\n"
        b"x-headrace-attempts: 3\r\nx-headrace-queue-ms: 1234\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("said", "http10", "converts"),
    [
        (SSE + chunk(token()), False, False),
        (SSE + chunk(token()), True, True),
        (head(200, b"content-type: text/event-stream") + token(), False, True),
        (head(200, b"content-length: 500") + b"{", True, False),
    ],
)
def test_only_framings_that_differ_are_converted(said: bytes, http10: bool, converts: bool) -> None:
    world = World("a")
    client, engine = world.asked("a", http10=http10)

    engine.send(said)

    assert client.attempts is not None
    assert isinstance(client.attempts.relay, ConvertingRelay) is converts
