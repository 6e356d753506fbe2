"""Engines behind TLS: probes and requests alike, what is checked, and what a failure says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile
from proxy.core.failure import Failure
from proxy.settings import seals
from proxy.upstream.connect import Endpoint
from proxy.upstream.pool import Pool
from tests.fixtures.sealed import Papers, fronting
from tests.fixtures.stack import MODEL, Stack, eventually, serving
from tests.fixtures.wire import connected, port_of

Port = Callable[[], int]


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with running(Profile(models=(MODEL,))) as made:
        yield made


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("papers"))


def backend(port: int, **tls: object) -> str:
    keys = ", ".join(f"{key}: {'true' if value is True else value}" for key, value in tls.items())
    return f"backends:\n  - {{name: a, url: 'https://127.0.0.1:{port}', tls: {{{keys}}}}}\n"


def reason(stack: Stack) -> str:
    return stack.instance.backends()[0].health.reason


async def streamed(stack: Stack) -> str:
    async with stack.ask(stream=True, max_tokens=5) as answer:
        assert answer.status == 200
        return await answer.text()


@pytest.mark.setting("backends[].tls.ca")
async def test_an_engine_is_probed_and_asked_over_tls(
    engine: Engine, papers: Papers, free_port: Port
) -> None:
    context = papers.server(papers.issue("engine.pem"))

    async with (
        fronting(context, free_port(), engine.port) as front,
        serving(backend(front.port, ca=papers.ca), free_port) as stack,
    ):
        first, second = await streamed(stack), await streamed(stack)
        pool = next(iter(stack.instance._fleet.sides.values())).pool

        assert first.rstrip().endswith("[DONE]")
        assert second.rstrip().endswith("[DONE]")
        assert pool.opened == 1  # one connection, used again
        host = engine.requests[0].header(b"host")
        assert host == f"127.0.0.1:{front.port}".encode()


@pytest.mark.setting("backends[].tls.server_name")
async def test_the_name_of_the_certificate_may_be_another_than_that_of_the_url(
    engine: Engine, papers: Papers, free_port: Port
) -> None:
    context = papers.server(papers.issue("named.pem", host="gpu-a.internal"))
    async with fronting(context, free_port(), engine.port) as front:
        named = backend(front.port, ca=papers.ca, server_name="gpu-a.internal")
        async with serving(named, free_port) as stack:
            await streamed(stack)

        assert set(front.names) == {"gpu-a.internal"}


@pytest.mark.setting("backends[].tls.certificate")
@pytest.mark.setting("backends[].tls.key")
@pytest.mark.parametrize("apart", [False, True])
async def test_a_certificate_is_shown_to_an_engine_that_asks_for_one(
    engine: Engine, papers: Papers, free_port: Port, apart: bool
) -> None:
    context = papers.server(papers.issue("engine.pem"), wants=True)
    ours = papers.issue("proxy.pem", host="proxy")
    shown: dict[str, object] = {"certificate": ours}
    if apart:
        chain, mark, key = ours.read_text().rpartition("-----BEGIN EC PRIVATE KEY")
        (papers.folder / "only.crt").write_text(chain)
        (papers.folder / "only.key").write_text(mark + key)
        shown = {"certificate": papers.folder / "only.crt", "key": papers.folder / "only.key"}

    async with (
        fronting(context, free_port(), engine.port) as front,
        serving(backend(front.port, ca=papers.ca, **shown), free_port) as stack,
    ):
        assert "[DONE]" in await streamed(stack)


@pytest.mark.setting("backends[].tls.insecure")
async def test_any_certificate_is_taken_only_when_that_is_said(
    engine: Engine, papers: Papers, free_port: Port
) -> None:
    context = papers.server(papers.issue("expired.pem", ends=-1.0))

    async with (
        fronting(context, free_port(), engine.port) as front,
        serving(backend(front.port, insecure=True), free_port) as stack,
    ):
        assert "[DONE]" in await streamed(stack)


@pytest.mark.parametrize(
    "fault",  # host, days left, whether its authority is known, what is said
    [
        ("127.0.0.1", -1.0, True, "has expired"),
        ("elsewhere.internal", 30.0, True, "for another name"),
        ("127.0.0.1", 30.0, False, "authority that is not known here"),
    ],
)
async def test_a_certificate_that_is_not_in_order_is_told_by_checks_and_by_requests(
    engine: Engine, papers: Papers, free_port: Port, fault: tuple[str, float, bool, str]
) -> None:
    host, ends, trusted, says = fault
    context = papers.server(papers.issue("bad.pem", host=host, ends=ends))
    tls = {"ca": papers.ca} if trusted else {}

    async with (
        fronting(context, free_port(), engine.port) as front,
        serving(backend(front.port, **tls), free_port, ready=False) as stack,
    ):
        await eventually(lambda: says in reason(stack))

        failed: list[Failure] = []
        pool = next(iter(stack.instance._fleet.sides.values())).pool
        pool.dial(lambda _: None, failed.append)
        await eventually(lambda: bool(failed))
        assert failed[0].kind == "connect_tls"
        assert says in failed[0].detail
        assert pool.open == 0


async def test_a_port_that_speaks_no_tls_is_told(engine: Engine, free_port: Port) -> None:
    async with serving(backend(engine.port), free_port, ready=False) as stack:
        await eventually(lambda: "does not speak TLS" in reason(stack))


async def test_other_authorities_hold_from_a_reload_on(
    engine: Engine, papers: Papers, free_port: Port, tmp_path: Path
) -> None:
    context = papers.server(papers.issue("engine.pem"))
    other = Papers(tmp_path)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(papers.ca.read_bytes())

    async with fronting(context, free_port(), engine.port) as front:
        document = backend(front.port, ca=trusted)
        async with serving(document, free_port) as stack:
            await streamed(stack)
            await asyncio.to_thread(trusted.write_bytes, other.ca.read_bytes())
            outcome = await stack.reload(document)

            assert [str(one) for one in outcome.changes] == ["backends[a].tls: changed"]
            await asyncio.to_thread(trusted.write_text, "nothing")
            broken = await stack.reload(document)
            assert "holds no certificate in PEM" in broken.problems[0]
            failed: list[Failure] = []
            pool = next(iter(stack.instance._fleet.sides.values())).pool
            pool.dial(lambda _: None, failed.append)
            await eventually(lambda: bool(failed))
            assert "not known here" in failed[0].detail


async def test_a_websocket_goes_through_tls(papers: Papers, free_port: Port) -> None:
    context = papers.server(papers.issue("engine.pem"))

    writers: list[asyncio.StreamWriter] = []

    async def engine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/v1/realtime" in head:
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                b"\r\nhello"
            )
        else:
            body = b'{"object":"list","data":[{"id":"m","object":"model","owned_by":"vllm"}]}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writers.append(writer)

    server = await asyncio.start_server(engine, "127.0.0.1", free_port())
    behind = server.sockets[0].getsockname()[1]
    async with (
        fronting(context, free_port(), behind) as front,
        serving(backend(front.port, ca=papers.ca), free_port) as stack,
        connected(port_of(stack)) as client,
    ):
        client.send(
            b"GET /v1/realtime?model=m HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        answer = await client.head()

        assert answer.status == 101
        assert await client.reader.readexactly(5) == b"hello"
    server.close()
    for writer in writers:
        writer.transport.abort()


async def test_a_handshake_that_hangs_is_given_up_without_a_trace(
    papers: Papers, free_port: Port
) -> None:
    gone = asyncio.Event()
    here = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.set()
        try:
            await reader.read()
        except ConnectionResetError:
            pass
        gone.set()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(silent, "127.0.0.1", port)
    heard: list[object] = []
    pool = Pool(Endpoint(host="127.0.0.1", port=port, secure=True), now=lambda: 0.0)
    pool.seal = await asyncio.to_thread(seals.toward_engine, ca=papers.ca)

    dial = pool.dial(heard.append, heard.append)
    await here.wait()
    dial.cancel()

    async with asyncio.timeout(30):
        await gone.wait()
    assert not heard
    assert pool.open == 0
    server.close()
