"""No head, however odd, gets a forbidden field or a second line through."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failure import Failure
from proxy.core.headers import render, request_fields, request_id, response_fields

KNOWN = st.sampled_from(
    [
        b"Host",
        b"Connection",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Authorization",
        b"Cookie",
        b"X-Api-Key",
        b"Proxy-Authorization",
        b"X-Headrace-Backend",
        b"Accept",
        b"Content-Type",
        b"X-A",
        b"X-B",
    ]
)
CASES = st.sampled_from([bytes.lower, bytes.upper, bytes.title, bytes.swapcase])
NAMES = st.builds(lambda name, case: case(name), KNOWN, CASES)
TOKENS = st.lists(NAMES, max_size=4).map(b" , ".join)
REQUESTS = st.lists(
    st.one_of(st.tuples(NAMES, TOKENS), st.tuples(st.just(b"Connection"), TOKENS)), max_size=12
)
FORBIDDEN = {
    b"host",
    b"connection",
    b"content-length",
    b"transfer-encoding",
    b"authorization",
    b"cookie",
    b"x-api-key",
    b"proxy-authorization",
    b"x-headrace-backend",
}


@given(REQUESTS)
def test_nothing_forbidden_or_nominated_reaches_an_engine(raw: list[tuple[bytes, bytes]]) -> None:
    nominated = {
        token.strip().lower()
        for name, value in raw
        if name.lower() == b"connection"
        for token in value.split(b",")
    }
    kept = request_fields(raw)

    if isinstance(kept, Failure):
        assert nominated & {b"host", b"content-length", b"content-type", b"transfer-encoding"}
        return
    expected = [
        (name.lower(), value)
        for name, value in raw
        if name.lower() not in FORBIDDEN and name.lower() not in nominated
    ]
    assert kept == expected


@given(st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=12)), max_size=6))
def test_a_rendered_answer_has_one_line_a_field(raw: list[tuple[bytes, bytes]]) -> None:
    kept = response_fields(raw)

    if kept is not None:
        lines = render(kept).split(b"\r\n")
        assert len(lines) == len(kept) + 1
        assert not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)


@given(st.one_of(st.none(), st.binary(max_size=140)))
def test_a_request_id_is_always_safe_to_echo(value: bytes | None) -> None:
    echoed = request_id(value, b"fallback")

    assert 1 <= len(echoed) <= 128
    assert all(0x21 <= byte <= 0x7E for byte in echoed)
