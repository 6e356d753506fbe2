"""What passes of a request's head, and what is refused."""

import pytest

from proxy.core.failure import Failure, Kind
from proxy.dialects.registry import engine
from proxy.edge.passing import Passed
from proxy.flow.course import Side
from tests.fixtures.ends import ScriptedPool
from tests.fixtures.heads import parsed, refused, served

UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


SIDE = Side(ScriptedPool("e", lambda: 0.0), engine("openai"))


def passes(*fields: str, method: str = "GET", target: str = "/v1/files") -> Passed:
    head = served(parsed(*fields, method=method, target=target))
    assert head.passed is not None
    assert head.request is head.passed.request
    assert head.operation is None
    return head.passed


@pytest.mark.parametrize(
    ("fields", "method", "framing"),
    [
        ([], "GET", b""),
        ([], "POST", b"content-length: 0\r\n"),
        (["Content-Length: 7"], "POST", b"content-length: 7\r\n"),
        (["Transfer-Encoding: chunked"], "POST", b"transfer-encoding: chunked\r\n"),
    ],
)
async def test_the_head_an_engine_gets(fields: list[str], method: str, framing: bytes) -> None:
    passed = passes("X-A: b", *fields, method=method, target="/to/a/v1/files?limit=1&after=%2F")

    assert (passed.request.scope, passed.request.pin) == ("a", "a")
    sent = passed.head("", SIDE, "id")
    assert sent == (
        b"%b /v1/files?limit=1&after=%%2F HTTP/1.1\r\nhost: e:8000\r\nx-a: b\r\n"
        b"via: 1.1 headrace\r\nconnection: close\r\n%bx-request-id: id\r\n\r\n"
        % (method.encode(), framing)
    )


async def test_a_model_is_told_as_its_engine_calls_it() -> None:
    passed = passes(*UPGRADE, target="/v1/realtime?%6dodel=my%20voice&intent=a+b")

    assert passed.model == "my voice"
    line = passed.head("org/voice&x=y", SIDE, "id").partition(b" HTTP")[0]
    assert line == b"GET /v1/realtime?model=org%2Fvoice%26x%3Dy&intent=a+b"


async def test_a_key_in_a_subprotocol_goes_no_further() -> None:
    key = "openai-insecure-api-key.sk-1"
    for sent, kept in (
        (f"realtime, {key}, x", b"sec-websocket-protocol: realtime, x\r\n"),
        (key, b""),
    ):
        passed = passes(*UPGRADE, f"Sec-WebSocket-Protocol: {sent}", target="/v1/realtime")
        fields = passed.head("", SIDE, "id").partition(b"connection: Upgrade")[0]
        assert b"sk-1" not in fields
        assert kept in fields
        assert (b"protocol" in fields) is bool(kept)
        assert b"sec-websocket-key: dGhl" in fields
        assert b"\r\nupgrade" not in fields


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/v1/files?x=1", "it takes: after, before, limit, order, purpose"),
        ("/v1/files?limit=1&action=erase", "'action'"),
        ("/v1/files?%61ction=erase", "'%61ction'"),
        ("/v1/files?&limit=1", "''"),
        ("/v1/files/f?limit=1", "it takes: none"),
    ],
)
async def test_a_query_has_known_parameters_only(target: str, said: str) -> None:
    failure = refused(parsed(method="GET", target=target))

    assert failure.kind is Kind.BAD_REQUEST
    assert said in failure.detail


@pytest.mark.parametrize("query", ["model=a&model=b", "model=a&%6dodel=b", "model=", "model"])
async def test_a_model_is_given_once(query: str) -> None:
    failure = refused(parsed(*UPGRADE, method="GET", target=f"/v1/realtime?{query}"))

    assert "given once" in failure.detail


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ((), "is a WebSocket"),
        (UPGRADE[:1], "is a WebSocket"),
        (("Upgrade: h2c", *UPGRADE[1:]), "is a WebSocket"),
        ((*UPGRADE, "Upgrade: h2c"), "is a WebSocket"),
        ((*UPGRADE, "Content-Length: 1"), "without a body"),
        ((*UPGRADE, "Transfer-Encoding: chunked"), "without a body"),
        ((*UPGRADE[:2], UPGRADE[3]), "version 13"),
        ((*UPGRADE[:2], "Sec-WebSocket-Version: 8", UPGRADE[3]), "version 13"),
        (UPGRADE[:3], "16 bytes"),
        ((*UPGRADE, UPGRADE[3]), "16 bytes"),
        ((*UPGRADE[:3], "Sec-WebSocket-Key: short"), "16 bytes"),
    ],
)
async def test_only_a_proper_handshake_passes(fields: tuple[str, ...], said: str) -> None:
    assert said in refused(parsed(*fields, method="GET", target="/v1/realtime")).detail


async def test_an_upgrade_is_the_last_message_and_for_websockets_only() -> None:
    assert served(parsed(*UPGRADE, method="GET", target="/v1/realtime")).close
    for target in ("/v1/files", "/v1/models", "/v1/realtime/x"):
        assert (
            "no path is a WebSocket"
            in refused(parsed(*UPGRADE, method="GET", target=target)).detail
        )


async def test_other_methods_are_for_the_ordinary_lane_to_refuse() -> None:
    head = served(parsed(method="PUT", target="/v1/files"))

    assert head.passed is None
    assert not head.boundless
    assert served(parsed(method="POST", target="/api/blobs/sha256:" + "0" * 64)).boundless
    failure = refused(parsed("x-headrace-timeout: soon", method="GET", target="/v1/files"))
    assert isinstance(failure, Failure)
