"""How requests arrive: whole whatever the pieces, within bounds, one at a time."""

import pytest

from proxy.edge.gathered import LARGE
from proxy.edge.receiving import FREE_PIECES, MAX_JUNK, Stage
from tests.fixtures.client_end import BODY, ClientEnd, post

REQUEST = post()
CHUNKED = post().partition(b"Content-Length")[0] + (
    b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
)


def served_body(client: ClientEnd) -> bytes:
    """Return the body that the engine is sent for the call under way."""
    asked = client.world.reached().asked
    return asked.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("request_bytes", [REQUEST, CHUNKED], ids=["length", "chunked"])
async def test_it_does_not_matter_where_a_request_is_cut(request_bytes: bytes) -> None:
    for cut in range(1, len(request_bytes)):
        client = ClientEnd()
        client.send(request_bytes[:cut])
        assert not client.calls
        client.send(request_bytes[cut:])
        assert client.calls == 1, cut
        assert served_body(client) == BODY
        assert not client.connection.closing
        client.leave()


async def test_a_known_head_is_recognised_if_it_comes_in_one_piece() -> None:
    end = REQUEST.index(b"\r\n\r\n") + 4
    for cut in range(1, len(REQUEST)):
        client = ClientEnd()
        client.send(REQUEST)
        client.serve()
        client.send(REQUEST[:cut])
        assert (client.connection._fed == 0) is (cut >= end)
        client.send(REQUEST[cut:])
        assert client.calls == 1, cut
        assert client.world.pools["a"].ends[0].asked.endswith(b"\r\n\r\n" + BODY)
        client.serve()
        assert client.stage is Stage.IDLE
        client.leave()


@pytest.mark.parametrize("part", [b"P", b"POST / HTTP/1.1\r\nHost: x\r\nX-A: ", REQUEST[:-40]])
async def test_a_known_head_inside_another_message_is_not_recognised(part: bytes) -> None:
    client = ClientEnd()
    client.send(REQUEST)
    client.serve()
    client.send(part, REQUEST)

    assert client.calls == 0 or client.connection.closing
    client.leave()


@pytest.mark.parametrize(
    ("data", "ends"),
    [(b"\r\n", False), (b"\r\n\r\n", False), (b"x", True), (REQUEST, True), (b"\r\nx", True)],
)
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("together", [False, True])
async def test_bytes_behind_a_call_end_the_connection_unless_they_are_line_ends(
    data: bytes, *, ends: bool, known: bool, together: bool
) -> None:
    client = ClientEnd()
    if known:
        client.send(REQUEST)
        client.serve()
    client.send(*([REQUEST + data] if together else [REQUEST, data]))
    bad = together and not known and data.endswith(b"x")  # then the parser refuses it all
    assert client.calls == (0 if bad else 1)
    if client.calls:
        client.serve()

    assert (client.stage is Stage.CLOSED) is ends
    assert client.wire.closing is ends or client.wire.eof
    client.leave()


async def test_a_chunked_message_ends_where_it_ends() -> None:
    client = ClientEnd()
    client.send(CHUNKED)
    client.serve()
    assert client.stage is Stage.IDLE
    client.send(CHUNKED + b"PO")
    client.serve()
    assert client.stage is Stage.CLOSED
    client.leave()


async def test_too_much_behind_a_call_throws_the_client_out() -> None:
    client = ClientEnd()
    client.send(REQUEST)
    client.send(b"x" * MAX_JUNK)
    assert not client.wire.aborted
    client.send(b"x")
    assert client.wire.aborted
    client.leave()


async def test_a_client_that_expects_a_100_gets_it_only_if_it_may_go_on() -> None:
    head, _, body = post(BODY, b"Expect: 100-continue").partition(b"\r\n\r\n")
    client = ClientEnd(body=1000)
    client.send(head + b"\r\n\r\n")
    assert client.wire.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(body)
    assert client.calls == 1
    client.leave()

    client = ClientEnd(body=10)
    client.send(head + b"\r\n\r\n")
    assert client.answer.status == 413
    client.leave()

    client = ClientEnd()
    client.send(head + b"\r\n\r\n" + body)
    assert not client.wire.written
    client.leave()


@pytest.mark.parametrize("known", [False, True])
async def test_a_body_that_is_announced_too_large_is_refused_unread(*, known: bool) -> None:
    client = ClientEnd(body=100)
    if known:
        client.send(REQUEST)
        client.serve()
        client.wire.written.clear()
    client.send(REQUEST.replace(b"Length: %d" % len(BODY), b"Length: 101"))
    assert (client.answer.status, client.code) == (413, "body_too_large")
    client.leave()


async def test_a_chunked_body_is_counted_as_it_grows() -> None:
    client = ClientEnd(body=100)
    head = CHUNKED[: CHUNKED.index(b"\r\n\r\n") + 4]
    client.send(head, b"50\r\n" + b" " * 80 + b"\r\n")
    assert not client.wire.written
    client.send(b"50\r\n" + b" " * 80)
    assert client.answer.status == 413
    client.leave()


@pytest.mark.parametrize("known", [False, True])
async def test_a_body_in_crumbs_is_refused(*, known: bool) -> None:
    client = ClientEnd()
    if known:
        client.send(REQUEST)
        client.serve()
        client.wire.written.clear()
    client.send(REQUEST.replace(b"Length: %d" % len(BODY), b"Length: 9999999")[: -len(BODY)])
    for _ in range(FREE_PIECES - 1):
        client.send(b" ")
    assert not client.wire.written
    for _ in range(20):
        client.send(b" ")
    assert (client.answer.status, client.code) == (400, "bad_request")
    client.leave()


def pieces(kind: str, size: int) -> list[bytes]:
    """Return a request with a prompt of so many bytes, in pieces."""
    body = b'{"model":"m","prompt":"%b"}' % (b"x" * size)
    cuts = [body[at : at + 100_000] for at in range(0, len(body), 100_000)]
    if kind == "chunked":
        head = CHUNKED[: CHUNKED.index(b"\r\n\r\n") + 4]
        return [head, *(b"%x\r\n%b\r\n" % (len(cut), cut) for cut in cuts), b"0\r\n\r\n"]
    return [
        REQUEST.replace(b"Length: %d" % len(BODY), b"Length: %d" % len(body))[: -len(BODY)],
        *cuts,
    ]


@pytest.mark.parametrize("kind", ["known", "parsed", "chunked"])
async def test_a_large_body_is_whole_and_leaves_nothing_for_the_next(kind: str) -> None:
    client = ClientEnd()
    client.send(REQUEST)
    client.serve()
    for size in (3 * LARGE, LARGE // 2, LARGE):
        client.connection._memo = client.connection._memo if kind == "known" else None
        client.send(*pieces(kind, size))
        assert client.calls == 1
        asked = client.world.pools["a"].ends[0].asked
        assert asked.endswith(b'{"model":"m","prompt":"%b"}' % (b"x" * size))
        client.serve()
    assert client.connection._bulk is None
    client.leave()


async def test_a_large_body_that_breaks_off_is_let_go() -> None:
    client = ClientEnd()
    client.send(REQUEST)
    client.serve()
    client.send(*pieces("known", 2 * LARGE)[:-1])
    assert client.connection._bulk is not None

    client.leave()

    assert client.connection._bulk is None


@pytest.mark.parametrize("known", [False, True])
async def test_a_body_may_pause_but_not_drip(*, known: bool) -> None:
    client = ClientEnd(body_timeout=10.0)
    if known:
        client.send(REQUEST)
        client.serve()
        client.wire.written.clear()
    client.send(REQUEST.replace(b"Length: %d" % len(BODY), b"Length: 999999")[: -len(BODY)])
    for _ in range(8):  # 2 KiB/s: allowed
        client.world.pass_time(9.0)
        client.send(b" " * 18_000)
    assert not client.wire.written
    for _ in range(18):
        client.world.pass_time(9.0)
        if client.wire.written:
            break
        client.send(b" ")
    assert (client.answer.status, client.code) == (408, "request_timeout")
    client.leave()


async def test_a_head_has_an_absolute_deadline() -> None:
    client = ClientEnd(header_timeout=10.0)
    client.world.pass_time(9.0)
    for byte in REQUEST[:9]:
        client.send(bytes([byte]))
        client.world.pass_time(1.0)
    assert not client.wire.written
    client.send(REQUEST[9:10])
    client.world.pass_time(2.0)
    assert (client.answer.status, client.code) == (408, "request_timeout")
    client.leave()


async def test_a_head_without_end_is_cut_off_at_the_limit() -> None:
    client = ClientEnd(headers=4096)
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\n")
    for _ in range(300):
        client.send(b"X-A: bbbbbbbbbbbb\r\n")
    assert (client.answer.status, client.code) == (431, "headers_too_large")
    client.leave()


async def test_empty_lines_between_requests_are_nothing() -> None:
    client = ClientEnd()
    client.send(b"\r\n", b"\r\n\r\n" + REQUEST)
    assert client.calls == 1
    client.serve()
    client.send(b"\r\n")
    assert client.stage is Stage.IDLE
    client.leave()


async def test_where_a_message_ended_is_uncertain_once_its_head_came_in_pieces() -> None:
    client = ClientEnd(header_timeout=10.0)
    client.send(REQUEST[:20], REQUEST[20:])
    client.serve()
    client.send(REQUEST)
    assert client.connection._memo is None
    client.serve()
    client.world.pass_time(16.0)  # a head may have begun: no long rest
    assert client.stage is Stage.CLOSED
    client.leave()
