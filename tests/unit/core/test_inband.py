"""Which payloads are errors, and what they say."""

import pytest

from proxy.core.events import FirstEvent
from proxy.core.inband import is_error
from tests.fixtures.recorded import stream


@pytest.mark.parametrize(
    ("payload", "status", "message"),
    [
        (b'{"error":{"message":"busy","type":"Service Unavailable","code":503}}', 503, "busy"),
        (b'{"error":{"message":"busy","type":"Service Unavailable"}}', 503, "busy"),
        (b'{"error":{"message":"m","code":"500"}}', 500, "m"),
        (b'{"error":{"message":"m","type":"overloaded_error"}}', 503, "m"),
        (b'{"type":"error","error":{"type":"rate_limit_error","message":"m"}}', 429, "m"),
        (b'{"object":"error","message":"m","type":"BadRequestError","code":400}', 400, "m"),
        (b'{"type":"error","code":"server_error","message":"m","param":null}', 500, "m"),
        (
            (
                b'{"type":"response.failed","response":{"id":"r","error":'
                b'{"code":"rate_limit_exceeded","message":"m"}}}'
            ),
            429,
            "m",
        ),
        (b'{"error":"model runner has stopped"}', None, "model runner has stopped"),
        (b'{"error":"m","error_type":"overloaded"}', 429, "m"),
        (b'{"error":"m","status_code":503}', 503, "m"),
        (b'{"error":{"code":99,"type":"odd"}}', None, "odd"),
        (b'{"error":{"code":true}}', None, "no message"),
        (b'{"error":[1]}', None, "no message"),
        (b'{"choices":[{"finish_reason":"error"}],"error":{"code":502,"message":"m"}}', 502, "m"),
    ],
)
def test_every_shape_of_an_error_is_one(payload: bytes, status: int | None, message: str) -> None:
    found = is_error(payload)

    assert found is not None
    assert (found.status, found.message) == (status, message)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"choices":[{"delta":{"content":"the word \\"error\\": {}"}}]}',
        b'{"choices":[{"delta":{"content":"error"}}]}',
        b'{"type":"response.created","response":{"id":"r","error":null}}',
        b'{"error":null}',
        b'{"error":{}}',
        b'{"error":""}',
        b'{"error":false}',
        b'{"response":"a plain text with \\"error\\"","done":false}',
        b'{"choices":[],"tools":[{"name":"error"}]}',
        b'["error"]',
        b'{"error":',
        b'\xff"error"',
        b'"error"',
        b"[" * 5000 + b'"error"',
        b"[DONE]",
        b"",
    ],
)
def test_nothing_else_is(payload: bytes) -> None:
    assert is_error(payload) is None


def test_the_name_of_an_event_makes_it_an_error() -> None:
    flat = is_error(b'{"message":"m"}', b"error")
    text = is_error(b"it broke", b"error")

    assert flat is not None
    assert flat.message == "m"
    assert text is not None
    assert (text.status, text.message) == (None, "it broke")
    assert is_error(b'{"message":"m"}', b"message_delta") is None


def test_a_long_message_is_cut() -> None:
    found = is_error(b'{"error":"%b"}' % (b"x" * 10_000))

    assert found is not None
    assert len(found.message) == 500


@pytest.mark.parametrize("name", ["vllm-queue-full", "sglang-queue-full"])
def test_the_recorded_overloads_are_errors_in_the_first_event(name: str) -> None:
    payload = FirstEvent().feed(stream(name).partition(b"\r\n")[2])

    assert payload is not None
    found = is_error(payload)
    assert found is not None
    assert found.status == 503
