"""Error answers of engines as they were recorded, and what each of them means."""

import pytest

from proxy.dialects.conditions import SEEN, reader
from proxy.dialects.profile import Condition, Rule
from proxy.dialects.registry import ENGINES

C = Condition


IMAGE = b'{"error":{"code":500,"message":"image input is not supported - hint: if this is unex"}}'
TOOLS = b'{"error":{"code":500,"message":"Failed to parse tools: Missing tool function: {}"}}'


@pytest.mark.parametrize(
    ("kind", "status", "body", "means"),
    [
        ("llamacpp", 500, b'{"error":{"message":"[json.exception.parse_error.101]"}}', C.CLIENT),
        ("llamacpp", 500, b'{"error":{"message":"\'messages\' is required"}}', C.CLIENT),
        ("llamacpp", 500, b'{"error":{"message":"out of memory"}}', None),
        ("llamacpp", 500, IMAGE, C.CLIENT),
        ("llamacpp", 500, TOOLS, C.CLIENT),
        ("llamacpp", 500, b'{"error":{"message":"Failed to parse input at pos 7"}}', None),
        ("llamacpp", 503, b'{"error":{"message":"Loading model","code":503}}', C.LOADING),
        ("llamacpp", 503, b'{"error":{"message":"\'messages\' is required"}}', None),
        ("llamacpp", 400, b"{\"error\":{\"message\":\"model 'x' not found\"}}", C.MODEL_MISSING),
        ("llamacpp", 501, b"", C.CLIENT),
        ("vllm", 503, b'{"error":{"message":"... on a different instance","code":503}}',
         C.OVERLOADED),
        ("vllm", 500, b"cannot schedule new futures after shutdown", C.DRAINING),
        ("vllm", 500, b"CUDA error", None),
        ("vllm", 503, b'{"error":"The model is currently scaling"}', C.LOADING),
        ("sglang", 503, b'{"message":"The request queue is full."}', C.OVERLOADED),
        ("sglang", 503, b"", C.DRAINING),
        ("ollama", 503, b'{"error":"server busy, please try again."}', C.OVERLOADED),
        ("ollama", 404, b"{\"error\":\"model 'x' not found\"}", C.MODEL_MISSING),
        ("ollama", 404, b"404 page not found", None),
        ("tgi", 429, b'{"error":"Model is overloaded","error_type":"overloaded"}', C.OVERLOADED),
        ("tgi", 422, b"", C.CLIENT),
        ("lmdeploy", 503, b'{"message":"the engine is sleeping"}', C.SLEEPING),
        ("omlx", 507, b"", C.OVERLOADED),
        ("omlx", 409, b"", C.LOADING),
        ("dmr", 404, b"model not found", C.MODEL_MISSING),
        ("dmr", 500, b"unable to load runner", C.LOADING),
        ("litellm", 400, b'{"error":{"message":"Invalid model name passed in"}}', C.MODEL_MISSING),
        ("litellm", 429, b"", C.OVERLOADED),
        ("openai", 503, b"", None),
    ],
)  # fmt: skip
def test_what_an_engine_says_is_understood(
    kind: str, status: int, body: bytes, means: Condition | None
) -> None:
    assert ENGINES[kind].condition(status, body) is means


def test_the_first_rule_that_fits_counts_and_case_does_not() -> None:
    rules = (
        Rule(status=(500,), words=("Bad Input",), means=C.CLIENT),
        Rule(status=(500, 503), means=C.DEAD),
    )

    assert reader(rules)(500, b"bad INPUT") is C.CLIENT
    assert reader(rules)(500, b"else") is C.DEAD
    assert reader(rules)(502, b"bad input") is None


def test_only_the_front_of_a_body_is_looked_at() -> None:
    read = reader((Rule(status=(500,), words=("needle",), means=C.CLIENT),))

    assert read(500, b"x" * SEEN + b"needle") is None
