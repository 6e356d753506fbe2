"""Outgoing: the head an engine gets, and a body that changes only in its model's name."""

import pytest

from proxy.core.call import Call
from proxy.core.patched import LARGE, Patched
from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.registry import engine
from proxy.flow.course import Request, Side
from proxy.flow.outgoing import engine_request
from tests.fixtures.ends import ScriptedPool

PREFIX = b"host: gpu:8000\r\nauthorization: Bearer ours\r\n"


def asked(
    model: str, native: str, body: bytes, path: str, below: bytes = b""
) -> tuple[bytes, bytes | Patched]:
    call = Call("id-1", path, 0.0)
    call.model, call.native_model, call.body = model, native, body
    fields = [(b"content-type", b"application/json"), (b"x-vllm-priority", b"1")]
    side = Side(ScriptedPool("a", lambda: 0.0), engine("vllm"))
    request = Request(OPERATIONS[path], fields)
    side.pool.prefix, side.pool.below = PREFIX, below
    return engine_request(call, request, request.way_to(side), side.pool)


def test_the_head_is_ours_and_the_body_the_client_s() -> None:
    body = b'{"model" : "m"}'

    head, sent = asked("m", "m", body, "/v1/chat/completions")

    assert sent is body
    assert head == (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: gpu:8000\r\n"
        b"authorization: Bearer ours\r\ncontent-length: 15\r\n"
        b"content-type: application/json\r\nx-request-id: id-1\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        ("/v1/completions", b'{"model":"m","n":1}', b'{"model":"org/m","n":1}'),
        (
            "/v1/audio/transcriptions",
            b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n--x--\r\n',
            b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\norg/m\r\n--x--\r\n',
        ),
    ],
)
def test_a_model_with_another_name_there_is_renamed(path: str, body: bytes, wanted: bytes) -> None:
    head, sent = asked("m", "org/m", body, path)

    assert sent == wanted
    assert b"content-length: %d\r\n" % len(wanted) in head


def test_an_engine_below_a_path_is_asked_there() -> None:
    head, _ = asked("m", "m", b"{}", "/v1/chat/completions", below=b"/openai")

    assert head.startswith(b"POST /openai/v1/chat/completions HTTP/1.1\r\nhost: gpu:8000\r\n")


def test_of_a_large_body_only_the_name_is_made_anew() -> None:
    body = b'{"model":"m","prompt":"%b"}' % (b"x" * LARGE)

    head, sent = asked("m", "org/m", body, "/v1/completions")

    assert isinstance(sent, Patched)
    assert b"".join(sent.pieces) == body.replace(b'"m"', b'"org/m"')
    assert b"content-length: %d\r\n" % (len(body) + 4) in head
