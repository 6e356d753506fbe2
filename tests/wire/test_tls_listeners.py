"""TLS on our own listeners: clients, the admin address, other certificates while streams run."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile
from tests.fixtures.sealed import Papers
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving
from tests.fixtures.wire import Wire, chat, post

Port = Callable[[], int]


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with running(Profile(models=(MODEL,), pace=0.01)) as made:
        yield made


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    return Papers(tmp_path)


def listener(name: str = "listen", **keys: object) -> str:
    pairs = ", ".join(f"{key}: {value}" for key, value in keys.items())
    return f"tls: {{{name}: {{{pairs}}}}}\n"


async def secure(stack: Stack, context: ssl.SSLContext) -> Wire:
    """Connect to the client port with TLS."""
    port = stack.instance.settings.listen.port
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="127.0.0.1"
    )
    return Wire(reader, writer)


def serial(wire: Wire) -> object:
    return wire.writer.get_extra_info("peercert")["serialNumber"]


@pytest.mark.setting("tls.listen.certificate")
async def test_clients_are_served_over_tls(engine: Engine, papers: Papers, free_port: Port) -> None:
    document = backends(engine) + listener(certificate=papers.issue("ours.pem"))
    context = papers.client()
    context.set_alpn_protocols(["h2", "http/1.1"])

    async with serving(document, free_port) as stack:
        wire = await secure(stack, context)
        wire.send(post(chat(3)))
        plain = await wire.answer()
        wire.send(post(chat(3, stream=True)))
        streamed = await wire.answer()
        shown = b"".join(stack.instance.metrics.parts()).decode()

        assert plain.status == 200
        assert streamed.body.rstrip().endswith(b"[DONE]")
        assert wire.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        assert 'headrace_tls_handshakes_total{result="done"} 1.0' in shown
        assert 'expiry_timestamp_seconds{listener="listen"}' in shown
        wire.writer.transport.abort()


@pytest.mark.setting("tls.listen.minimum")
async def test_an_old_version_is_refused(engine: Engine, papers: Papers, free_port: Port) -> None:
    ours = papers.issue("ours.pem")
    document = backends(engine) + listener(certificate=ours, minimum='"1.3"')
    context = papers.client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    async with serving(document, free_port) as stack:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await secure(stack, context)


@pytest.mark.setting("tls.listen.key")
@pytest.mark.setting("tls.listen.client_ca")
async def test_clients_must_show_a_certificate_where_that_is_asked(
    engine: Engine, papers: Papers, free_port: Port
) -> None:
    ours, theirs = papers.issue("ours.pem"), papers.issue("client.pem", host="team-a")
    document = backends(engine) + listener(certificate=ours, key=ours, client_ca=papers.ca)

    async with serving(document, free_port) as stack:
        known = await secure(stack, papers.client(theirs))
        known.send(post(chat(1)))
        assert (await known.answer()).status == 200
        known.writer.transport.abort()

        try:
            stranger = await secure(stack, papers.client())
            stranger.send(post(chat(1)))
            assert await stranger.ended() == b""
            stranger.writer.transport.abort()
        except (ssl.SSLError, ConnectionError):
            pass  # which of the two depends on who is first
        assert len(engine.requests) == 1
        await eventually(lambda: stack.instance._edge.handshakes() == {"begun": 2, "done": 1})


async def test_plain_http_at_a_tls_port_is_closed(
    engine: Engine, papers: Papers, free_port: Port
) -> None:
    document = backends(engine) + listener(certificate=papers.issue("ours.pem"))

    async with serving(document, free_port) as stack:
        wire = await Wire.open(stack.instance.settings.listen.port)
        wire.send(post(chat(1)))

        assert b"HTTP/1.1 200" not in await wire.ended()
        wire.writer.transport.abort()


async def test_another_certificate_is_shown_from_a_reload_on_and_no_stream_ends(
    engine: Engine, papers: Papers, free_port: Port
) -> None:
    ours = papers.issue("ours.pem")
    document = backends(engine) + listener(certificate=ours)

    async with serving(document, free_port) as stack:
        before = await secure(stack, papers.client())
        before.send(post(chat(40, stream=True)))
        await before.head()
        await asyncio.to_thread(papers.issue, "ours.pem")

        outcome = await stack.reload(document)
        await eventually(lambda: not stack.instance._doors._tasks)
        after = await secure(stack, papers.client())
        rest = await before.reader.readuntil(b"0\r\n\r\n")

        assert [str(one) for one in outcome.changes] == ["tls.listen: changed"]
        assert serial(after) != serial(before)
        assert b"[DONE]" in rest
        for wire in (before, after):
            wire.writer.transport.abort()


async def test_a_certificate_that_is_not_in_order_leaves_the_old_one(
    engine: Engine, papers: Papers, free_port: Port
) -> None:
    ours = papers.issue("ours.pem")
    document = backends(engine) + listener(certificate=ours)

    async with serving(document, free_port) as stack:
        await asyncio.to_thread(papers.issue, "ours.pem", ends=-1.0)
        outcome = await stack.reload(document)
        wire = await secure(stack, papers.client())

        assert "expired on" in outcome.problems[0]
        assert "tls.listen.certificate" in outcome.problems[0]
        assert not stack.instance.reloads.valid
        wire.writer.transport.abort()


@pytest.mark.setting("tls.admin.certificate")
@pytest.mark.setting("tls.admin.key")
@pytest.mark.setting("tls.admin.client_ca")
@pytest.mark.setting("tls.admin.minimum")
async def test_the_admin_address_has_a_certificate_of_its_own(
    engine: Engine, papers: Papers, free_port: Port
) -> None:
    ours, theirs = papers.issue("ours.pem"), papers.issue("prometheus.pem", host="prometheus")
    keys = {"certificate": ours, "key": ours, "client_ca": papers.ca, "minimum": '"1.3"'}

    async with (
        serving(backends(engine) + listener("admin", **keys), free_port) as stack,
        aiohttp.ClientSession() as session,
    ):
        url = f"https://127.0.0.1:{stack.instance.settings.admin.port}/metrics"
        async with session.get(url, ssl=papers.client(theirs)) as answer:
            assert answer.status == 200
            assert 'expiry_timestamp_seconds{listener="admin"}' in await answer.text()
        with pytest.raises(aiohttp.ClientError):
            await session.get(url, ssl=papers.client())
        old = papers.client(theirs)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(aiohttp.ClientError):
            await session.get(url, ssl=old)


@pytest.mark.parametrize("name", ["listen", "admin"])
async def test_tls_can_begin_and_end_at_a_reload(
    engine: Engine, papers: Papers, free_port: Port, name: str
) -> None:
    ours = papers.issue("ours.pem")

    async with serving(backends(engine), free_port) as stack, aiohttp.ClientSession() as session:
        port = getattr(stack.instance.settings, name).port
        for more in (listener(name, certificate=ours), ""):
            await stack.reload(backends(engine) + more)
            await eventually(lambda: not stack.instance._doors._tasks)
            scheme = "https" if more else "http"
            url = f"{scheme}://127.0.0.1:{port}/{'healthz' if name == 'admin' else 'health'}"
            async with session.get(url, ssl=papers.client()) as answer:
                assert answer.status == 200
