"""Routes, error bodies and the models list."""

import msgspec
import orjson
import pytest

from proxy.core.catalog import Model
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.openai_api import (
    OPERATIONS,
    engine_error,
    error_body,
    error_event,
    model_card,
    model_list,
    surface_of,
)

UNKNOWN = Failure(
    kind=Kind.UNKNOWN_MODEL,
    origin=Origin.CLIENT,
    phase=Phase.READ,
    detail="there is no model 'x'",
)
BUSY = Failure(
    kind=Kind.QUEUE_FULL, origin=Origin.PROXY, phase=Phase.QUEUE, detail="queue is full."
)


def test_each_route_stands_under_its_exact_path() -> None:
    assert all(path == operation.path for path, operation in OPERATIONS.items())
    assert "/v1/chat/completions/" not in OPERATIONS


@pytest.mark.parametrize(
    ("path", "name", "markers"),
    [
        ("/v1/chat/completions", "chat", (b"[DONE]",)),
        ("/v1/completions", "completions", (b"[DONE]",)),
        ("/v1/embeddings", "embeddings", ()),
        ("/v1/messages", "messages", (b"message_stop",)),
    ],
)
def test_streams_end_as_their_api_says(path: str, name: str, markers: tuple[bytes, ...]) -> None:
    operation = OPERATIONS[path]

    assert operation.name == name
    assert operation.markers == markers


def test_responses_may_end_in_three_ways() -> None:
    assert {b"response.completed", b"response.incomplete", b"response.failed"} <= set(
        OPERATIONS["/v1/responses"].markers
    )


def test_forms_are_marked_as_such() -> None:
    forms = {path for path, operation in OPERATIONS.items() if not operation.json}

    assert forms == {
        "/v1/audio/transcriptions",
        "/v1/audio/translations",
        "/v1/images/edits",
        "/v1/images/variations",
    }


def test_only_anthropic_paths_speak_anthropic() -> None:
    assert {o.path for o in OPERATIONS.values() if o.surface == "anthropic"} == {
        "/v1/messages",
        "/v1/messages/count_tokens",
    }


def test_a_path_says_in_which_dialect_it_is_answered() -> None:
    assert surface_of("/v1/messages/batches") == "anthropic"
    assert surface_of("/v1/models", anthropic=True) == "anthropic"
    assert surface_of("/v1/models") == "openai"
    assert surface_of("/v1/chat/completions", anthropic=True) == "openai"
    assert surface_of("/api/pull") == "ollama"


def test_an_engines_words_are_put_into_the_callers_shape_unless_they_have_it() -> None:
    said = b'{"error":{"message":"too long","code":400}}'
    status = {"kind": Kind.STATUS, "status": 400}
    fitting = b'{"type":"error","error":{"message":"m"}}'

    def told(surface: str, body: bytes) -> bytes:
        failure = msgspec.structs.replace(UNKNOWN, **status, body=body)
        return engine_error(surface, failure, "id-1")

    assert told("openai", said) == said
    assert "model 'x'" in orjson.loads(told("openai", b"<no>"))["error"]["message"]
    flat = orjson.loads(told("openai", b'{"error":"too long"}'))["error"]
    assert (flat["message"], flat["type"]) == ("too long.", "invalid_request_error")
    assert (flat["code"], flat["request_id"]) == ("backend_status", "id-1")
    assert told("anthropic", fitting) == fitting
    assert orjson.loads(told("ollama", said))["error"] == "too long."
    anthropic = orjson.loads(told("anthropic", said))
    assert anthropic["error"]["type"] == "invalid_request_error"
    assert anthropic["error"]["message"] == "too long."
    assert "model 'x'" in orjson.loads(told("ollama", b"<no>"))["error"]


def test_the_field_that_is_wrong_is_named() -> None:
    failure = msgspec.structs.replace(UNKNOWN, kind=Kind.BAD_REQUEST, param="tools[0].name")

    assert orjson.loads(error_body("openai", failure, "i"))["error"]["param"] == "tools[0].name"


def test_an_openai_error_has_everything_a_client_needs() -> None:
    body = orjson.loads(error_body("openai", UNKNOWN, "req-1", "Models here: a."))

    assert body == {
        "error": {
            "message": "there is no model 'x'. Models here: a.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
            "request_id": "req-1",
        }
    }


def test_without_a_hint_the_usual_advice_is_given() -> None:
    error = orjson.loads(error_body("openai", BUSY, "req-2"))["error"]

    assert error["message"] == (
        "queue is full. Wait the seconds named in Retry-After, then send it again."
    )
    assert error["code"] == "queue_full"
    assert error["param"] is None


def test_an_anthropic_error_is_in_its_envelope() -> None:
    body = orjson.loads(error_body("anthropic", BUSY, "req-3"))

    assert body["type"] == "error"
    assert body["error"]["type"] == "overloaded_error"
    assert body["error"]["code"] == "queue_full"
    assert body["request_id"] == "req-3"


def test_an_ollama_error_is_a_string() -> None:
    body = orjson.loads(error_body("ollama", UNKNOWN, "req-4", "Models here: a."))

    assert body["error"] == "there is no model 'x'. Models here: a."
    assert (body["code"], body["request_id"]) == ("model_not_found", "req-4")


def test_an_error_within_a_stream_has_the_streams_own_framing() -> None:
    openai = error_event("openai", BUSY, "r")
    anthropic = error_event("anthropic", BUSY, "r")
    ollama = error_event("ollama", BUSY, "r")

    assert openai == b"data: " + error_body("openai", BUSY, "r") + b"\n\n"
    assert anthropic == b"event: error\ndata: " + error_body("anthropic", BUSY, "r") + b"\n\n"
    assert ollama == error_body("ollama", BUSY, "r") + b"\n"
    assert b"[DONE]" not in openai


def test_text_from_outside_cannot_break_an_events_lines() -> None:
    nasty = Failure(
        kind=Kind.UNKNOWN_MODEL,
        origin=Origin.CLIENT,
        phase=Phase.READ,
        detail="no model 'a\n\ndata: [DONE]\n\n'",
    )

    assert error_event("openai", nasty, "r").count(b"\n") == 2


def test_the_list_shows_what_is_known_of_each_model() -> None:
    models = [Model(id="a", owned_by="vllm", context_length=4096), Model(id="b")]

    body = orjson.loads(model_list(models, 1700000000))

    assert body["object"] == "list"
    assert body["data"] == [
        {
            "id": "a",
            "object": "model",
            "created": 1700000000,
            "owned_by": "vllm",
            "max_model_len": 4096,
        },
        {"id": "b", "object": "model", "created": 1700000000, "owned_by": ""},
    ]
    assert model_card(models[1], 5)["created"] == 5
