"""The control plane's client against real sockets and rude peers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from proxy.core.failure import Failure, Kind
from proxy.dialects.base import Reply
from proxy.upstream.fetch import HttpFetch
from proxy.upstream.question import MAX_BODY

OK = b"HTTP/1.1 200 OK\r\nServer: Some\r\nContent-Length: 2\r\n\r\n{}"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    def __init__(self, url: str) -> None:
        self.url = url


class Server:
    """Says the same bytes to everybody and remembers the heads it was sent."""

    def __init__(self, says: bytes, *, stays: bool = False) -> None:
        self.says = says
        self.stays = stays
        self.heads: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.says)
            await writer.drain()
            if self.stays:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def fetch() -> HttpFetch:
    return HttpFetch(frozenset({"/v1/models", "/health"}), {})


@pytest.fixture
async def serve(free_port: Callable[[], int]) -> AsyncIterator[Callable[[Server], Awaitable[Peer]]]:
    servers: list[asyncio.Server] = []

    async def start(server: Server) -> Peer:
        port = free_port()
        servers.append(await asyncio.start_server(server, "127.0.0.1", port))
        return Peer(f"http://127.0.0.1:{port}")

    yield start
    for server in servers:
        server.close()


Serve = Callable[[Server], Awaitable[Peer]]


def detail(found: Reply | Failure) -> str:
    assert isinstance(found, Failure), found
    return found.detail


async def test_an_answer_comes_back_whole(fetch: HttpFetch, serve: Serve) -> None:
    found = await fetch(await serve(Server(OK)), "/health", 2.0)

    assert isinstance(found, Reply)
    assert (found.status, found.headers["server"], found.body) == (200, "Some", b"{}")


async def test_a_key_goes_to_its_own_backend_only(fetch: HttpFetch, serve: Serve) -> None:
    mine, others = Server(OK, stays=True), Server(OK)
    locked, peer = await serve(mine), await serve(others)
    fetch.allow(frozenset({"/health"}), {locked.url: "sk-secret"})

    await fetch(locked, "/health", 2.0)
    await fetch(peer, "/health", 2.0)

    assert b"\r\nAuthorization: Bearer sk-secret\r\n" in mine.heads[0]
    assert b"authorization" not in others.heads[0].lower()
    assert f"Host: {peer.url.removeprefix('http://')}\r\n".encode() in others.heads[0]


async def test_each_check_opens_a_connection(fetch: HttpFetch, serve: Serve) -> None:
    server = Server(OK, stays=True)
    peer = await serve(server)

    for _ in range(3):
        assert isinstance(await fetch(peer, "/health", 2.0), Reply)

    assert len(server.heads) == 3


async def test_nothing_is_followed_and_no_cookie_kept(fetch: HttpFetch, serve: Serve) -> None:
    elsewhere = Server(OK)
    target = await serve(elsewhere)
    head = f"HTTP/1.1 302 Found\r\nLocation: {target.url}/health\r\nSet-Cookie: a=b\r\n"
    server = Server(head.encode() + b"Content-Length: 0\r\n\r\n")
    peer = await serve(server)

    first = await fetch(peer, "/health", 2.0)
    await fetch(peer, "/health", 2.0)

    assert isinstance(first, Reply)
    assert first.status == 302
    assert elsewhere.heads == []
    assert b"cookie" not in server.heads[1].lower()


async def test_an_answer_without_end_is_cut(fetch: HttpFetch, serve: Serve) -> None:
    server = Server(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BODY + 70_000), stays=True)

    found = await fetch(await serve(server), "/v1/models", 5.0)

    assert detail(found) == f"answer over {MAX_BODY} bytes"


async def test_what_is_compressed_stays_so(fetch: HttpFetch, serve: Serve) -> None:
    body = b"\x1f\x8bnot really"
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)

    found = await fetch(await serve(Server(head + body)), "/v1/models", 2.0)

    assert isinstance(found, Reply)
    assert found.body == body


@pytest.mark.parametrize(
    ("says", "kind", "reason"),
    [
        (b"", Kind.CLOSED, "closed without an answer"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", Kind.BAD_RESPONSE, "not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
            Kind.CLOSED,
            "closed within the answer",
        ),
    ],
)
async def test_a_rude_peer_is_a_plain_reason(
    fetch: HttpFetch, serve: Serve, says: bytes, kind: Kind, reason: str
) -> None:
    found = await fetch(await serve(Server(says)), "/health", 2.0)

    assert isinstance(found, Failure)
    assert (found.kind, found.detail) == (kind, reason)


async def test_silence_is_a_timeout(fetch: HttpFetch, serve: Serve) -> None:
    async with asyncio.timeout(30.0):
        found = await fetch(await serve(Server(b"", stays=True)), "/health", 0.05)

    assert detail(found) == "timeout"


async def test_nobody_there_is_refused(fetch: HttpFetch, free_port: Callable[[], int]) -> None:
    found = await fetch(Peer(f"http://127.0.0.1:{free_port()}"), "/health", 2.0)

    assert isinstance(found, Failure)
    assert (found.kind, found.detail) == (Kind.CONNECT_REFUSED, "refused")


async def test_an_http_1_0_answer_ends_with_its_connection(fetch: HttpFetch, serve: Serve) -> None:
    found = await fetch(await serve(Server(b"HTTP/1.0 200 OK\r\n\r\n{}")), "/v1/models", 2.0)

    assert isinstance(found, Reply)
    assert found.body == b"{}"


async def test_a_proxy_in_the_environment_is_ignored(
    fetch: HttpFetch, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert isinstance(await fetch(await serve(Server(OK)), "/health", 2.0), Reply)


async def test_a_unix_socket_is_an_address_too(fetch: HttpFetch, tmp_path: Path) -> None:
    server = Server(OK)
    path = tmp_path / "engine.sock"
    listening = await asyncio.start_unix_server(server, path)

    found = await fetch(Peer(f"unix://{path}"), "/health", 2.0)
    listening.close()

    assert isinstance(found, Reply)
    assert b"Host: localhost\r\n" in server.heads[0]
