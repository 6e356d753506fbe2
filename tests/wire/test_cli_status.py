"""`headrace status` against real sockets: what answers, what does not, and how it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from proxy.cli import status as view
from proxy.cli.entry import configured
from proxy.settings.address import Address
from tests.fixtures.sealed import Papers
from tests.fixtures.stack import serving

STATUS = (
    b'{"version": "0.1.0", "uptime_s": 1.0, "ready": true, "in_flight": 0, "queued": 0,'
    b' "backends": [], "models": [{"id": "m", "routable": true, "backends": []}]}'
)


@asynccontextmanager
async def answering(where: Address, head: bytes, body: bytes) -> AsyncIterator[list[bytes]]:
    """Serve one fixed answer at `where`; yield the request lines that came."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0])
        length = b"Content-Length: %d\r\n" % len(body)
        writer.write(b"HTTP/1.1 " + head + b"\r\n" + length + b"Connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    if where.is_unix:
        server = await asyncio.start_unix_server(answer, where.path)
    else:
        server = await asyncio.start_server(answer, "127.0.0.1", where.port)
    async with server:
        yield asked


async def test_the_answer_of_a_proxy_is_fetched(free_port: Callable[[], int]) -> None:
    where = Address(host="127.0.0.1", port=free_port())

    async with answering(where, b"200 OK", STATUS) as asked:
        assert await view.fetch(where) == STATUS

    assert asked == [b"GET /status HTTP/1.1"]


async def test_a_listener_on_every_host_is_reached_on_this_one(
    free_port: Callable[[], int],
) -> None:
    where = Address(host="0.0.0.0", port=free_port())

    async with answering(where, b"200 OK", STATUS):
        assert await view.fetch(where) == STATUS


async def test_a_unix_socket_is_asked_too(tmp_path: Path) -> None:
    where = Address(path=str(tmp_path / "admin.sock"))

    async with answering(where, b"200 OK", STATUS):
        assert await view.fetch(where) == STATUS


async def test_a_port_nobody_listens_on_is_told(free_port: Callable[[], int]) -> None:
    where = Address(host="127.0.0.1", port=free_port())

    with pytest.raises(view.Unanswered, match=f"Nothing listens on 127.0.0.1:{where.port}"):
        await view.fetch(where)


@pytest.mark.parametrize(
    ("head", "finding"), [(b"404 Not Found", "it answered 404"), (b"xyz", "not as a headrace")]
)
async def test_something_else_on_the_port_is_told(
    free_port: Callable[[], int], head: bytes, finding: str
) -> None:
    where = Address(host="127.0.0.1", port=free_port())

    async with answering(where, head, b"no"):
        with pytest.raises(view.Unanswered, match=finding):
            await view.fetch(where)


async def test_a_port_that_takes_and_says_nothing_is_told(
    free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "TIMEOUT", 0.05)
    where = Address(host="127.0.0.1", port=free_port())
    silence = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", where.port):
        with pytest.raises(view.Unanswered, match="did not answer"):
            await view.fetch(where)
        silence.set()
        await asyncio.sleep(0)


async def test_a_port_that_speaks_tls_or_wants_a_certificate_is_told(
    free_port: Callable[[], int], tmp_path: Path
) -> None:
    papers = Papers(tmp_path)
    ours = papers.issue("ours.pem")
    document = (
        f"tls: {{admin: {{certificate: {ours}, client_ca: {papers.ca}}}}}\n"
        f"backends: [{{url: 'http://127.0.0.1:{free_port()}'}}]\n"
    )

    async with serving(document, free_port, ready=False) as stack:
        entry = configured(stack.instance.settings)
        for to, says in (
            (msgspec.structs.replace(entry, secure=False), f"--admin https://{entry}"),
            (entry, "may want a certificate"),
        ):
            with pytest.raises(view.Unanswered, match="closed the connection") as told:
                await view.fetch(to)
            assert says in str(told.value)


@pytest.mark.parametrize(
    ("what", "as_json", "words"),
    [
        ("status", False, "headrace 0.1.0, ready, up 1s"),
        ("models", False, "ready"),
        ("status", True, '"uptime_s": 1.0'),
        ("models", True, '"id": "m"'),
        ("backends", False, "No backends."),
        ("backends", True, "[]"),
    ],
)
async def test_the_answer_is_shown(
    free_port: Callable[[], int],
    capsys: pytest.CaptureFixture[str],
    what: str,
    as_json: bool,
    words: str,
) -> None:
    where = Address(host="127.0.0.1", port=free_port())

    async with answering(where, b"200 OK", STATUS):
        code = await asyncio.to_thread(view.show, what, where, as_json=as_json)

    assert code == 0
    assert words in capsys.readouterr().out


async def test_a_failure_is_told_on_standard_error_and_ends_with_1(
    free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    where = Address(host="127.0.0.1", port=free_port())

    assert await asyncio.to_thread(view.show, "status", where, as_json=False) == 1

    told = capsys.readouterr()
    assert "Is headrace running?" in told.err
    assert not told.out


async def test_a_proxy_with_token_and_certificate_is_reached_by_its_settings(
    free_port: Callable[[], int], tmp_path: Path
) -> None:
    papers = Papers(tmp_path)
    ours = papers.issue("ours.pem", host="elsewhere.example")
    document = (
        f"admin_token: sesame\ntls: {{admin: {{certificate: {ours}}}}}\n"
        f"backends: [{{url: 'http://127.0.0.1:{free_port()}'}}]\n"
    )

    async with serving(document, free_port, ready=False) as stack:
        entry = configured(stack.instance.settings)
        assert b'"version"' in await view.fetch(entry)

        for wrong, says in (
            (msgspec.structs.replace(entry, token="x"), "wants its admin_token"),
            (msgspec.structs.replace(entry, trusted=""), "not with a TLS that is trusted"),
        ):
            with pytest.raises(view.Unanswered, match=says):
                await view.fetch(wrong)
