"""The record of llama.cpp, against recorded replies."""

import pytest

from proxy.dialects.base import Reply
from proxy.dialects.llamacpp import LLAMACPP
from tests.fixtures.detect.replies import recorded

ONE = recorded("llama-server-b11434")
ROUTER = recorded("llama-server-b11434-router")


def test_ready_is_said_in_the_body() -> None:
    (probe,) = LLAMACPP.ready
    loading = recorded("llama-server-b11434-loading")["/health"]

    assert probe.judge(ONE["/health"]) == ""
    assert probe.judge(loading) == "status 503: Loading model"
    assert probe.judge(Reply(status=200, body=b"<html>")) == "health says something other than ok"


def test_the_context_is_that_of_a_slot() -> None:
    (model,) = LLAMACPP.read_models(ONE["/v1/models"]).models

    assert (model.id, model.owned_by, model.context_length) == ("tiny", "llamacpp", 2048)


def test_a_router_lists_what_it_could_load_and_nothing_of_its_command_lines() -> None:
    models = LLAMACPP.read_models(ROUTER["/v1/models"]).models

    assert [(m.id, m.context_length) for m in models] == [
        ("alpha", None),
        ("beta", None),
        ("gamma", None),
    ]
    assert not any(m.extra for m in models)


def test_slots_are_the_cap_except_on_a_router() -> None:
    assert LLAMACPP.capacity is not None
    read = LLAMACPP.capacity.read

    assert read(ONE["/props"]) == 2
    assert read(ROUTER["/props"]) is None
    assert read(Reply(status=401, body=b'{"total_slots":4}')) is None
    assert read(Reply(status=200, body=b"no")) is None
    assert read(Reply(status=200, body=b'{"total_slots":0}')) is None


@pytest.mark.parametrize(
    ("status", "body", "theirs"),
    [
        (500, b'{"error":{"message":"[json.exception.parse_error.101] parse error"}}', True),
        (500, b'{"error":{"message":"\'messages\' is required"}}', True),
        (500, b'{"error":{"message":"out of memory"}}', False),
        (503, b'{"error":{"message":"\'messages\' is required"}}', False),
    ],
)
def test_a_500_about_the_request_is_the_clients_fault(
    status: int, body: bytes, theirs: bool
) -> None:
    assert LLAMACPP.client_fault(status, body) is theirs


def test_a_connection_is_retired_before_the_server_closes_it() -> None:
    assert 0 < LLAMACPP.max_requests < 100
