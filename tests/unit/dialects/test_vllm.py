"""The record of vLLM, against recorded replies."""

from proxy.dialects.base import Reply
from proxy.dialects.vllm import VLLM
from tests.fixtures.detect.replies import recorded


def test_an_empty_200_is_ready_and_a_dead_engine_is_not() -> None:
    (probe,) = VLLM.ready

    assert probe.path == "/health"
    assert probe.judge(recorded("vllm-0.32.0")["/health"]) == ""
    assert probe.judge(Reply(status=503)) == "status 503"


def test_adapters_are_models_without_a_context_of_their_own() -> None:
    body = (
        b'{"object":"list","data":[{"id":"base","owned_by":"vllm","max_model_len":4096},'
        b'{"id":"sql","owned_by":"vllm","parent":"base","max_model_len":null}]}'
    )

    models = VLLM.read_models(Reply(status=200, body=body)).models

    assert [(m.id, m.context_length) for m in models] == [("base", 4096), ("sql", None)]


def test_it_tells_no_capacity() -> None:
    assert VLLM.capacity is None


def test_a_client_cannot_pick_its_rank_or_its_place_in_the_queue() -> None:
    assert {b"x-data-parallel-rank", b"x-vllm-priority"} <= VLLM.dropped_headers


def test_routes_it_never_had_are_not_sent_there() -> None:
    assert "/tokenize" in VLLM.operations
    assert "/v1/tokenize" not in VLLM.operations
