"""The conventions' names, old by default and new on demand, and nothing that was said."""

import pytest

from proxy.core.call import Call
from proxy.core.recording import Spoken
from proxy.dialects.openai_api import OPERATIONS
from proxy.telemetry import genai
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call


@pytest.fixture
def call() -> Call:
    backend = make_backend("gpu-a")
    backend.kind = "vllm"
    call = ended_call(backend)
    call.committed, call.native_model = True, "org/llama"
    return call


def test_the_names_most_tools_know(call: Call) -> None:
    assert genai.of_call(call, latest=False) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "vllm",
        "gen_ai.request.model": "llama",
        "gen_ai.response.model": "org/llama",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 11,
    }


def test_the_newest_names(call: Call) -> None:
    found = genai.of_call(call, latest=True)

    assert found["gen_ai.provider.name"] == "vllm"
    assert "gen_ai.system" not in found
    assert found["gen_ai.request.stream"] is True
    assert found["gen_ai.response.time_to_first_chunk"] == pytest.approx(1.0)


def test_what_is_not_known_is_left_out() -> None:
    call = Call("id", "/nowhere", 0.0)

    assert genai.of_call(call, latest=False) == {"gen_ai.operation.name": "_OTHER"}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/chat/completions", "chat"),
        ("/v1/messages", "chat"),
        ("/v1/responses", "chat"),
        ("/api/chat", "chat"),
        ("/v1/completions", "text_completion"),
        ("/api/generate", "text_completion"),
        ("/v1/embeddings", "embeddings"),
        ("/api/embed", "embeddings"),
        ("/v1/rerank", "rerank"),
        ("/x", "_OTHER"),
    ],
)
def test_operations_have_the_conventions_names(path: str, name: str) -> None:
    assert genai.operation(path) == name


def test_every_operation_has_a_name() -> None:
    assert set(OPERATIONS) == genai.PATHS
    assert all(genai.operation(path) not in {"", "_OTHER"} for path in OPERATIONS)


def test_names_from_outside_are_made_safe(call: Call) -> None:
    call.model = "a\nb\ud800" + "x" * 999

    model = genai.of_call(call, latest=False)["gen_ai.request.model"]

    assert isinstance(model, str)
    assert model.isprintable()
    assert len(model) < 300


def test_words_have_one_generation_of_names_and_nothing_is_left_out_silently() -> None:
    spoken = Spoken(asked="[1]", system="[2]", answered="[3]", asked_cut=True, omitted=4)

    assert genai.of_content(spoken) == {
        "gen_ai.input.messages": "[1]",
        "gen_ai.system_instructions": "[2]",
        "gen_ai.output.messages": "[3]",
        "headrace.content.input_cut": True,
        "headrace.content.omitted": 4,
    }
    assert genai.of_content(Spoken(unread="too much")) == {"headrace.content.unread": "too much"}
    assert genai.of_content(Spoken()) == {}
