"""Who may come in: addresses, proxies in front, web pages, and the admin address's token."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving
from tests.fixtures.wire import Reply, Wire, chat, connected, get, port_of, post

Port = Callable[[], int]
PAGE = "https://chat.example"


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with running(Profile(models=(MODEL,))) as made:
        yield made


async def answered(stack: Stack, request: bytes) -> Reply:
    async with connected(port_of(stack)) as wire:
        wire.send(request)
        return await wire.answer()


def metrics(stack: Stack) -> str:
    return b"".join(stack.instance.metrics.parts()).decode()


# the admin address ---------------------------------------------------------------------------


@pytest.mark.setting("admin_token")
@pytest.mark.setting("admin_token_file")
@pytest.mark.parametrize("filed", [False, True])
async def test_the_admin_pages_want_their_token(
    engine: Engine, free_port: Port, tmp_path: Path, filed: bool
) -> None:
    file = tmp_path / "token"
    file.write_text("open-sesame\n")
    key = f"admin_token_file: {file}\n" if filed else "admin_token: open-sesame\n"
    basic = aiohttp.encode_basic_auth("anybody", "open-sesame")

    async with serving(key + backends(engine), free_port) as stack:
        port = stack.instance.settings.admin.port
        url = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession() as session:

            async def status(path: str, said: str = "") -> int:
                fields = {"Authorization": said} if said else {}
                async with session.get(url + path, headers=fields) as answer:
                    return answer.status

            assert [await status(path) for path in ("/healthz", "/readyz")] == [200, 200]
            for path in ("/status", "/metrics", "/config", "/dashboard", "/drain", "/nowhere"):
                assert await status(path) == 401
            assert await status("/status", "Bearer open-sesame") == 200
            assert await status("/status", basic) == 200
            for wrong in ("Bearer open-sesam", "Bearer ", "Basic !", "Basic", "Digest x", "x"):
                assert await status("/status", wrong) == 401
            async with session.get(f"{url}/status") as refused:
                assert refused.headers["WWW-Authenticate"].startswith("Basic")
            async with session.post(f"{url}/-/reload") as refused:
                assert refused.status == 401
        assert not stack.instance.draining


async def test_another_token_holds_from_a_reload_on(engine: Engine, free_port: Port) -> None:
    async with serving("admin_token: first\n" + backends(engine), free_port) as stack:
        outcome = await stack.reload("admin_token: second\n" + backends(engine))
        url = f"http://127.0.0.1:{stack.instance.settings.admin.port}/status"
        found = []
        async with aiohttp.ClientSession() as session:
            for token in ("first", "second"):
                fields = {"Authorization": f"Bearer {token}"}
                async with session.get(url, headers=fields) as answer:
                    found.append(answer.status)

        assert found == [401, 200]
        assert [str(one) for one in outcome.changes] == ["admin_token: changed"]


async def test_admin_pages_keep_browsers_careful(engine: Engine, free_port: Port) -> None:
    async with serving(backends(engine), free_port) as stack, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{stack.instance.settings.admin.port}"
        async with session.get(f"{url}/status") as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        async with session.get(f"{url}/dashboard") as page:
            assert "'self'" in page.headers["Content-Security-Policy"]
            assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.setting("allow.admin")
async def test_the_admin_address_is_for_some_addresses_only(
    engine: Engine, free_port: Port
) -> None:
    async with serving("allow: {admin: [10.0.0.0/8]}\n" + backends(engine), free_port) as stack:
        wire = await Wire.open(stack.instance.settings.admin.port)
        wire.send(get("/status"))

        assert await wire.ended() == b""
        assert 'connections_refused_total{listener="admin"} 1.0' in metrics(stack)
        wire.writer.transport.abort()


# clients -------------------------------------------------------------------------------------


@pytest.mark.setting("allow.listen")
async def test_clients_come_from_some_addresses_only(engine: Engine, free_port: Port) -> None:
    allowed = "allow: {listen: [127.0.0.1, '::1']}\n" + backends(engine)
    refused = "allow: {listen: 10.0.0.0/8}\n" + backends(engine)

    async with serving(allowed, free_port) as stack:
        assert (await answered(stack, post(chat(1)))).status == 200
        await stack.reload(refused)
        wire = await Wire.open(port_of(stack))
        wire.send(post(chat(1)))

        assert await wire.ended() == b""
        assert len(engine.requests) == 1
        await eventually(lambda: not stack.instance._edge.connections)
        assert 'connections_refused_total{listener="listen"} 1.0' in metrics(stack)
        wire.writer.transport.abort()


@pytest.mark.setting("allow.trusted_proxies")
async def test_a_trusted_proxy_says_whom_a_request_is_from(engine: Engine, free_port: Port) -> None:
    document = "allow: {listen: [192.0.2.0/24], trusted_proxies: [127.0.0.1]}\n"

    async with serving(document + backends(engine), free_port) as stack:
        async with connected(port_of(stack)) as wire:
            statuses = []
            for forwarded in ("10.6.6.6, 192.0.2.7", "192.0.2.7", "192.0.2.8", "192.0.2.8"):
                wire.send(post(chat(1), f"X-Forwarded-For: {forwarded}"))
                statuses.append((await wire.answer()).status)
        for forwarded in ("192.0.2.7, 10.6.6.6", "junk"):
            reply = await answered(stack, post(chat(1), f"X-Forwarded-For: {forwarded}"))
            statuses.append(reply.status)
            assert reply.code == "address_not_allowed"
        await stack.stop()
        await eventually(lambda: len(stack.access_lines()) == 6)
        clients = [msgspec.json.decode(line)["client"] for line in stack.access_lines()]

    assert statuses == [200, 200, 200, 200, 403, 403]
    assert clients[:4] == ["192.0.2.7", "192.0.2.7", "192.0.2.8", "192.0.2.8"]


async def test_what_a_stranger_forwards_counts_for_nothing(engine: Engine, free_port: Port) -> None:
    async with serving(backends(engine), free_port) as stack:
        await answered(stack, post(chat(1), "X-Forwarded-For: 192.0.2.7"))
        await stack.stop()
        await eventually(lambda: len(stack.access_lines()) == 1)

        assert msgspec.json.decode(stack.access_lines()[0])["client"].startswith("127.0.0.1:")


# web pages -----------------------------------------------------------------------------------

ASKING = (
    "Access-Control-Request-Method: POST",
    "Access-Control-Request-Headers: authorization,content-type",
)


@pytest.mark.setting("cors.origins")
@pytest.mark.setting("cors.max_age")
async def test_a_page_of_a_known_origin_may_send_requests(engine: Engine, free_port: Port) -> None:
    document = f"cors: {{origins: ['{PAGE}'], max_age: 1h}}\n" + backends(engine)
    path = "/v1/chat/completions"

    async with serving(document, free_port) as stack:
        asked = await answered(stack, get(path, f"Origin: {PAGE}", *ASKING, method="OPTIONS"))
        plain = await answered(stack, post(chat(1), f"Origin: {PAGE}"))
        wrong = await answered(stack, post(b"{", f"Origin: {PAGE}"))
        listed = await answered(stack, get("/v1/models", f"Origin: {PAGE}"))
        stranger = await answered(stack, post(chat(1), "Origin: https://evil.example"))
        strangers = await answered(
            stack, get(path, "Origin: https://evil.example", *ASKING, method="OPTIONS")
        )

        assert asked.status == 204
        assert asked.field(b"access-control-allow-headers") == b"authorization,content-type"
        assert b"POST" in asked.field(b"access-control-allow-methods")
        assert asked.field(b"access-control-max-age") == b"3600"
        for reply in (asked, plain, wrong, listed):
            assert reply.field(b"access-control-allow-origin") == PAGE.encode()
            assert reply.field(b"vary") == b"Origin"
        assert (plain.status, wrong.status, listed.status) == (200, 400, 200)
        assert b"x-request-id" in plain.field(b"access-control-expose-headers")
        for reply in (stranger, strangers):
            assert not reply.field(b"access-control-allow-origin")
        assert not strangers.field(b"access-control-allow-methods")


async def test_requests_of_two_origins_share_a_connection(engine: Engine, free_port: Port) -> None:
    document = f"cors: {{origins: ['{PAGE}']}}\n" + backends(engine)

    async with serving(document, free_port) as stack, connected(port_of(stack)) as wire:
        found = []
        for origin in (PAGE, PAGE, "https://evil.example", PAGE):
            wire.send(post(chat(1), f"Origin: {origin}"))
            found.append((await wire.answer()).field(b"access-control-allow-origin"))

    assert found == [PAGE.encode(), PAGE.encode(), b"", PAGE.encode()]


@pytest.mark.parametrize(("origins", "granted"), [("'*'", b"*"), ("[]", b"")])
async def test_pages_of_anywhere_or_of_nowhere(
    engine: Engine, free_port: Port, origins: str, granted: bytes
) -> None:
    document = f"cors: {{origins: {origins}}}\n" + backends(engine)

    async with serving(document, free_port) as stack:
        reply = await answered(stack, post(chat(1), f"Origin: {PAGE}"))

        assert reply.field(b"access-control-allow-origin") == granted
