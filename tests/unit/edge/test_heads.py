"""What a request head must be to be served, and what is read from it."""

import pytest
from aiohttp.http import HttpVersion, HttpVersion10
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.core.failure import Kind
from proxy.dialects.openai_api import OPERATIONS
from proxy.edge.heads import MAX_FIELDS
from tests.fixtures.heads import CHAT, parsed, refused, served


async def test_a_plain_request_is_read_whole() -> None:
    head = served(parsed("Content-Type: application/json", "Content-Length: 2", body=b"{}"))

    assert (head.path, head.length) == (CHAT, 2)
    assert not head.http10
    assert not head.close
    assert not head.expects
    assert head.operation is OPERATIONS[CHAT]
    assert head.request is not None
    assert head.request.operation is head.operation
    assert head.request.content_type == b"application/json"


@pytest.mark.parametrize("path", sorted(OPERATIONS))
async def test_every_operation_is_found_by_its_path(path: str) -> None:
    assert served(parsed(target=path)).operation is OPERATIONS[path]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", CHAT),
        ("PUT", CHAT),
        ("GET", "/health"),
        ("POST", "/health"),
        ("POST", "/V1/chat/completions"),
        ("POST", CHAT + "/"),
        ("POST", "/" + CHAT),
        ("POST", "/v1/chat/%63ompletions"),
        ("POST", "/v1/chat%2fcompletions"),
        ("POST", "/v1/x/../chat/completions"),
        ("POST", "/v1/chat/completions;a"),
    ],
)
async def test_all_else_is_left_to_the_ordinary_lane(method: str, target: str) -> None:
    head = served(parsed(method=method, target=target))

    assert (head.operation, head.request) == (None, None)
    assert head.path == target  # neither decoded nor normalised


async def test_a_chunked_body_has_no_length() -> None:
    assert served(parsed("Transfer-Encoding: chunked", body=b"0\r\n\r\n")).length == -1
    assert served(parsed("Transfer-Encoding: Chunked", body=b"0\r\n\r\n")).length == -1
    assert served(parsed()).length == 0


@pytest.mark.parametrize(
    ("version", "fields", "http10", "close"),
    [
        ("1.1", [], False, False),
        ("1.1", ["Connection: close"], False, True),
        ("1.0", [], True, True),
        ("1.0", ["Connection: keep-alive"], True, False),
    ],
)
async def test_who_keeps_the_connection(
    version: str, fields: list[str], *, http10: bool, close: bool
) -> None:
    head = served(parsed(*fields, version=version))

    assert (head.http10, head.close) == (http10, close)


@pytest.mark.parametrize(
    ("value", "expects"),
    [("100-continue", True), ("100-Continue", True), ("something", False), ("", False)],
)
async def test_only_one_expectation_is_known(value: str, *, expects: bool) -> None:
    assert served(parsed(f"Expect: {value}")).expects is expects
    assert not served(parsed(f"Expect: {value}", version="1.0")).expects


@pytest.mark.parametrize("version", ["0.9", "2.0"])
async def test_other_versions_the_parser_lets_through_are_refused(version: str) -> None:
    failure = refused(parsed(method="GET", target="/health", version=version))

    assert failure.kind is Kind.BAD_REQUEST
    assert f"HTTP/{version}" in failure.detail


async def test_a_later_parser_cannot_bring_in_other_versions() -> None:
    assert refused(parsed()._replace(version=HttpVersion(1, 2))).kind is Kind.BAD_REQUEST


@pytest.mark.parametrize(
    "host",
    [
        "x",
        "",
        "h:80",
        "h:",
        "h:0",
        "h:65535",
        "a_b.example.",
        "127.0.0.1",
        "[fe80::1]",
        "[::1]:8080",
    ],
)
async def test_hosts_are_taken(host: str) -> None:
    assert served(parsed(host=host)).path == CHAT


@pytest.mark.parametrize(
    "host",
    ["a b", "a/b", "u@h", "u:p@h", "h:x", "h:123456", "h:80:80", "a, b", "h?", "h#", "[::1", "::1",
     "[h]", ":80", "h\\i", 'h"', "h<", "h\xe9", "[::1]x"],
)  # fmt: skip
async def test_what_is_no_host_is_refused(host: str) -> None:
    assert refused(parsed(host=host)).detail == "the Host header is not a host"


async def test_http_1_0_needs_no_host_but_a_host_is_looked_at() -> None:
    assert served(parsed(version="1.0", host=None)).http10
    assert "Host" in refused(parsed(version="1.0", host="a/b")).detail


@pytest.mark.parametrize(("method", "target"), [("CONNECT", "h:80"), ("TRACE", CHAT)])
async def test_methods_that_reach_through_are_refused(method: str, target: str) -> None:
    failure = refused(parsed(method=method, target=target))

    assert failure.kind is Kind.METHOD
    assert method in failure.detail


@pytest.mark.parametrize("protocol", ["websocket", "WebSocket", "h2c, websocket"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_websocket_is_refused_where_there_is_none(method: str, protocol: str) -> None:
    fields = ("Connection: Upgrade", f"Upgrade: {protocol}")
    failure = refused(parsed(*fields, method=method))

    assert failure.kind is Kind.BAD_REQUEST
    assert "/v1/realtime" in failure.detail


@pytest.mark.parametrize("protocol", ["h2c", "TLS/1.0", "h2c, foo"])
async def test_offers_of_other_protocols_are_ignored(protocol: str) -> None:
    fields = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AA")
    asked = served(parsed(*fields))
    assert asked.operation is not None
    assert asked.request is not None
    assert not {b"upgrade", b"http2-settings"} & {name for name, _ in asked.request.fields}
    assert asked.close  # what the client sends next could be the other protocol
    assert served(parsed(*fields, method="GET", target="/v1/files")).passed is not None
    assert served(parsed(*fields, method="GET", target="/v1/models")).path == "/v1/models"


async def test_an_upgrade_nobody_nominates_is_nothing() -> None:
    assert served(parsed("Upgrade: h2c")).operation is not None


@pytest.mark.parametrize("coding", ["chunked", "Chunked", "gzip, chunked"])
async def test_http_1_0_knows_no_transfer_encoding(coding: str) -> None:
    message = parsed(f"Transfer-Encoding: {coding}", version="1.0", body=b"0\r\n\r\n")

    assert refused(message).kind is Kind.BAD_REQUEST
    assert "HTTP/1.0" in refused(message).detail


@pytest.mark.parametrize("coding", ["gzip, chunked", ", chunked"])
async def test_another_transfer_coding_is_refused(coding: str) -> None:
    failure = refused(parsed(f"Transfer-Encoding: {coding}", body=b"0\r\n\r\n"))

    assert failure.kind is Kind.BAD_REQUEST
    assert "`chunked`" in failure.detail


@pytest.mark.parametrize(
    "codings", [["chunked", "chunked"], ["gzip", "chunked"], ["identity"], ["chunked, chunked"]]
)
async def test_a_later_parser_cannot_bring_in_other_codings(codings: list[str]) -> None:
    fields = CIMultiDict([("Host", "x"), *(("Transfer-Encoding", value) for value in codings)])
    message = parsed()._replace(headers=CIMultiDictProxy(fields), chunked=True)

    assert refused(message).kind is Kind.BAD_REQUEST
    assert refused(message._replace(version=HttpVersion10)).kind is Kind.BAD_REQUEST


@pytest.mark.parametrize("coding", ["identity", "Identity", " identity ", ""])
async def test_a_body_that_is_not_encoded_is_taken(coding: str) -> None:
    assert served(parsed(f"Content-Encoding: {coding}")).operation is not None


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "zstd", "identity, gzip", "deflate"])
async def test_an_encoded_body_is_refused(coding: str) -> None:
    failure = refused(parsed(f"Content-Encoding: {coding}"))

    assert failure.kind is Kind.UNSUPPORTED_CODING
    assert coding.lower() in failure.detail
    assert refused(parsed("Content-Encoding: identity", f"Content-Encoding: {coding}")) == failure


async def test_the_name_of_a_coding_is_not_repeated_at_length() -> None:
    assert refused(parsed(f"Content-Encoding: {'z' * 5000}")).detail.count("z") == 40


async def test_a_head_may_have_its_limit_and_not_a_byte_more() -> None:
    message = parsed("X-Padding: " + "p" * 500)
    size = len(CHAT) + len("Host: x\r\n") + len("X-Padding: \r\n") + 500

    assert served(message, size).operation is not None
    failure = refused(message, size - 1)
    assert failure.kind is Kind.HEAD_TOO_LARGE
    assert str(size) in failure.detail


async def test_the_target_counts_too() -> None:
    target = f"{CHAT}?{'q' * 500}"

    assert refused(parsed(target=target), 500).kind is Kind.HEAD_TOO_LARGE
    assert served(parsed(target=target), 600).path == CHAT


async def test_there_may_be_so_many_fields_and_no_more() -> None:
    fields = [f"X-{number}: v" for number in range(MAX_FIELDS - 1)]  # and Host

    assert served(parsed(*fields)).operation is not None
    failure = refused(parsed(*fields, "X-More: v"))
    assert failure.kind is Kind.HEAD_TOO_LARGE
    assert str(MAX_FIELDS + 1) in failure.detail


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (CHAT + "?a=b", CHAT),
        (CHAT + "?", CHAT),
        (CHAT + "?a=/b?c#d", CHAT),
        ("http://h" + CHAT, CHAT),
        ("HTTP://h" + CHAT, CHAT),
        ("https://h:8443" + CHAT + "?a=b", CHAT),
        ("HTTPS://h", "/"),
        ("http://h/@a", "/@a"),
        ("http://h/a?b@c", "/a"),
        ("//h/a", "//h/a"),
    ],
)
async def test_the_path_of_a_target(target: str, path: str) -> None:
    head = served(parsed(target=target))

    assert head.path == path
    assert (head.operation is not None) is (path == CHAT)


@pytest.mark.parametrize(
    "target",
    ["http://user@h" + CHAT, "http://user:pass@h" + CHAT, "http://@h" + CHAT, "ftp://h" + CHAT,
     "ws://h" + CHAT],
)  # fmt: skip
async def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    failure = refused(parsed(target=target))

    assert failure.kind is Kind.BAD_REQUEST
    assert "target" in failure.detail


@pytest.mark.parametrize("target", ["", "x", "h:80", "*/", "?a", "v1/chat/completions"])
async def test_a_later_parser_cannot_bring_in_other_targets(target: str) -> None:
    assert refused(parsed()._replace(path=target)).kind is Kind.BAD_REQUEST


async def test_the_asterisk_is_for_options() -> None:
    head = served(parsed(method="OPTIONS", target="*"))

    assert (head.path, head.operation) == ("*", None)
    assert refused(parsed()._replace(path="*")).kind is Kind.BAD_REQUEST
