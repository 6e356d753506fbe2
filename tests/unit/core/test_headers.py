"""Which header fields pass."""

import pytest

from proxy.core.failure import Failure, Kind
from proxy.core.headers import (
    MOST_HOPS,
    render,
    request_fields,
    request_id,
    response_fields,
    sent_on,
    without,
)

Fields = list[tuple[bytes, bytes]]


@pytest.mark.parametrize(
    "name",
    [
        b"Host",
        b"Content-Length",
        b"Transfer-Encoding",
        b"TE",
        b"Trailer",
        b"Upgrade",
        b"HTTP2-Settings",
        b"Keep-Alive",
        b"Connection",
        b"Expect",
        b"Accept-Encoding",
        b"Authorization",
        b"AUTHORIZATION",
        b"Cookie",
        b"X-Api-Key",
        b"api-key",
        b"Proxy-Authorization",
        b"Proxy-Connection",
        b"Proxy-Anything",
        b"X-Conversation-Id",
        b"X-Request-Id",
        b"X-Headrace-Session",
        b"x-headrace-backend",
    ],
)
def test_what_an_engine_must_not_see(name: bytes) -> None:
    raw = [(b"Accept", b"*/*"), (name, b"close"), (b"Content-Type", b"application/json")]

    assert request_fields(raw) == [(b"accept", b"*/*"), (b"content-type", b"application/json")]


@pytest.mark.parametrize(
    "name",
    [b"accept", b"content-type", b"traceparent", b"anthropic-version", b"x-mine", b"cookies"],
)
def test_what_passes_to_an_engine(name: bytes) -> None:
    assert request_fields([(name, b"v"), (name, b"w")]) == [(name, b"v"), (name, b"w")]


def test_an_engine_may_be_spared_more() -> None:
    raw = [(b"X-Odd", b"1"), (b"Accept", b"*/*")]

    assert request_fields(raw, frozenset({b"x-odd"})) == [(b"accept", b"*/*")]


@pytest.mark.parametrize("value", [b"close, X-Secret", b"x-secret", b" X-SECRET ,, keep-alive"])
def test_what_connection_nominates_is_dropped_wherever_it_stands(value: bytes) -> None:
    secret = (b"X-Secret", b"1")
    kept = [(b"accept", b"*/*")]

    assert request_fields([secret, (b"Connection", value), *kept]) == kept
    assert request_fields([(b"Connection", value), secret, *kept]) == kept
    assert request_fields([(b"Connection", b"te"), (b"connection", value), secret, *kept]) == kept
    assert response_fields([secret, (b"Connection", value), *kept]) == kept


@pytest.mark.parametrize(
    "value", [b"host", b"close, Content-Length", b"transfer-encoding", b"content-type"]
)
def test_connection_must_not_nominate_what_routes_or_frames(value: bytes) -> None:
    failure = request_fields([(b"Connection", value)])

    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == (Kind.BAD_REQUEST, "CR")
    assert value.split(b", ")[-1].lower().decode() in failure.detail


def test_nominating_credentials_gains_nothing() -> None:
    assert request_fields([(b"Connection", b"authorization"), (b"Authorization", b"x")]) == []


@pytest.mark.parametrize(
    "name",
    [
        b"Connection",
        b"Keep-Alive",
        b"Proxy-Authenticate",
        b"Transfer-Encoding",
        b"Content-Length",
        b"Trailer",
        b"Upgrade",
        b"X-Request-Id",
        b"X-Headrace-Backend",
    ],
)
def test_what_a_client_must_not_see(name: bytes) -> None:
    raw = [(b"Server", b"uvicorn"), (name, b"5")]

    assert response_fields(raw) == [(b"server", b"uvicorn")]


def test_an_engine_cannot_nominate_its_content_type_away() -> None:
    raw = [(b"Content-Type", b"text/event-stream"), (b"Connection", b"content-type, close")]

    assert response_fields(raw) == [(b"content-type", b"text/event-stream")]


@pytest.mark.parametrize(
    "name", [b"", b"a b", b"a:", b"a\r", b"a\n", b"a\0", b"\xe4", b"(a)", b"a\t"]
)
def test_an_engines_field_with_a_bad_name_spoils_the_head(name: bytes) -> None:
    assert response_fields([(b"a", b"b"), (name, b"v")]) is None


@pytest.mark.parametrize("value", [b"a\r\nx: y", b"a\nb", b"a\rb", b"\0", b"a\x7f", b"\x1b[31m"])
def test_an_engines_field_with_control_bytes_spoils_the_head(value: bytes) -> None:
    assert response_fields([(b"retry-after", value)]) is None
    assert response_fields([(b"keep-alive", value)]) is None


@pytest.mark.parametrize("value", [b"", b"a\tb", b"caf\xc3\xa9", b'{"named_metrics":{}}'])
def test_an_engines_other_values_pass(value: bytes) -> None:
    assert response_fields([(b"X-Info", value)]) == [(b"x-info", value)]


@pytest.mark.parametrize("value", [b"a", b"req-1/2:3", b"x" * 128, b"~!"])
def test_a_safe_request_id_is_kept(value: bytes) -> None:
    assert request_id(value, b"mine") == value


@pytest.mark.parametrize(
    "value",
    [None, b"", b"x" * 129, b"a b", b"a\n", b"a\r\nx: y", b"\x1b[2J", b"caf\xc3\xa9", b"\0"],
)
def test_any_other_is_replaced(value: bytes | None) -> None:
    assert request_id(value, b"mine") == b"mine"


def test_fields_are_rendered_as_lines() -> None:
    assert render([(b"a", b"1"), (b"b", b"")]) == b"a: 1\r\nb: \r\n"
    assert render([]) == b""


def test_an_engines_own_marks_are_hidden_but_never_the_type_of_its_body() -> None:
    fields = [(b"x-olla-id", b"1"), (b"x-served-by", b"a"), (b"x-b", b"1"), (b"content-type", b"t")]

    kept = without(fields, frozenset({b"x-olla-*", b"x-served-by", b"content-type", b"c*"}))

    assert kept == [(b"x-b", b"1"), (b"content-type", b"t")]


def test_an_engine_is_told_that_we_stand_between() -> None:
    assert sent_on([(b"a", b"b")]) == [(b"a", b"b"), (b"via", b"1.1 headrace")]
    assert sent_on([(b"via", b"1.0 other")]) == [
        (b"via", b"1.0 other"),
        (b"via", b"1.1 headrace"),
    ]


@pytest.mark.parametrize(
    "seen",
    [
        [(b"via", b"1.1 headrace")] * MOST_HOPS,
        [(b"via", b", ".join([b"1.1 headrace"] * MOST_HOPS))],
        [(b"via", b"1.1 headrace"), (b"via", b", ".join([b"1.1 headrace"] * (MOST_HOPS - 1)))],
    ],
)
def test_what_has_come_through_too_many_of_us_goes_round(seen: Fields) -> None:
    refused = sent_on(seen)

    assert isinstance(refused, Failure)
    assert refused.kind is Kind.LOOP


def test_a_chain_of_proxies_is_no_loop() -> None:
    chain = [(b"via", b"1.1 headrace")] * (MOST_HOPS - 1) + [(b"via", b"1.1 nginx")] * 20

    assert not isinstance(sent_on(chain), Failure)
