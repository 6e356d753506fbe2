"""Ways: what an engine of a kind is sent of a request, and whether it goes as it came."""

import pytest

from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.registry import engine
from proxy.flow import ways

FIELDS = [
    (b"content-type", b"application/x-www-form-urlencoded"),
    (b"accept", b"application/x-ndjson"),
    (b"x-vllm-priority", b"1"),
    (b"x-mine", b"1"),
]


def test_an_engine_is_asked_at_its_own_path_without_what_it_must_not_see() -> None:
    way = ways.straight(OPERATIONS["/v1/messages"], FIELDS, engine("dmr"))

    assert way.line == b"POST /engines/v1/messages HTTP/1.1\r\n"
    assert way.form == ways.AS_IT_IS
    assert b"x-vllm-priority" in way.fields
    chat = ways.straight(OPERATIONS["/v1/chat/completions"], FIELDS, engine("vllm"))
    assert chat.line == b"POST /v1/chat/completions HTTP/1.1\r\n"
    assert b"x-vllm-priority" not in chat.fields


def test_a_translated_request_is_json_whatever_its_client_called_it() -> None:
    way = ways.around(FIELDS, engine("vllm"))

    assert way.form == ways.TRANSLATED
    assert way.fields == b"content-type: application/json\r\nx-mine: 1\r\n"


@pytest.mark.parametrize(
    ("path", "kind", "form"),
    [
        ("/v1/chat/completions", "llamacpp", ways.GATHERED),
        ("/v1/chat/completions", "vllm", ways.AS_IT_IS),
        ("/v1/embeddings", "llamacpp", ways.AS_IT_IS),
    ],
)
def test_engines_that_miss_who_leaves_are_asked_for_streams(
    path: str, kind: str, form: int
) -> None:
    assert ways.straight(OPERATIONS[path], FIELDS, engine(kind)).form == form


def test_what_could_be_translated_has_a_way_left() -> None:
    assert ways.straight(OPERATIONS["/v1/messages"], FIELDS, engine("vllm")).spare
    assert not ways.straight(OPERATIONS["/v1/embeddings"], FIELDS, engine("vllm")).spare


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("vllm", b"POST /v1/messages?beta=true HTTP/1.1\r\n"),
        ("dmr", b"POST /engines/v1/messages?beta=true HTTP/1.1\r\n"),
    ],
)
def test_a_query_goes_to_an_engine_that_has_the_path(kind: str, line: bytes) -> None:
    way = ways.straight(OPERATIONS["/v1/messages"], FIELDS, engine(kind), "beta=true")

    assert way.line == line
