"""Engines are told apart by their bodies; look-alikes end as the generic one.

What is not recorded (Ollama, LM Studio, Docker Model Runner, Lemonade, an old SGLang) follows
documentation and source.
"""

from collections.abc import Mapping

import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.base import Reply
from proxy.dialects.detect import Finding, marks, steps
from proxy.dialects.registry import ENGINES
from tests.fixtures.detect.replies import recorded

REFUSED = Failure(
    kind=Kind.CONNECT_REFUSED, origin=Origin.BACKEND, phase=Phase.CONNECT, detail="refused"
)
NOWHERE = Reply(status=404, body=b'{"detail":"Not Found"}')


def listing(*models: tuple[str, str], server: str = "") -> Reply:
    data = ",".join(f'{{"id":"{name}","owned_by":"{owner}"}}' for name, owner in models)
    return Reply(
        status=200,
        headers={"server": server},
        body=f'{{"object":"list","data":[{data}]}}'.encode(),
    )


def detect(
    replies: Mapping[str, Reply | Failure], other: Reply = NOWHERE
) -> tuple[Finding, list[str]]:
    """Hold the dialogue with recorded replies; return the finding and what was asked."""
    dialogue = steps(ENGINES.values())
    asked = [next(dialogue)]
    while True:
        try:
            asked.append(dialogue.send(replies.get(asked[-1], other)))
        except StopIteration as end:
            return end.value, asked


def kind(replies: Mapping[str, Reply | Failure], other: Reply = NOWHERE) -> str:
    finding, _ = detect(replies, other)
    assert finding.engine is not None, finding.reason
    return finding.engine.name


OLLAMA = {
    "/v1/models": listing(("llama3:latest", "library"), ("bob/x:q4", "bob")),
    "/": Reply(status=200, body=b"Ollama is running"),
    "/api/version": Reply(status=200, body=b'{"version":"0.33.0"}'),
}


@pytest.mark.parametrize(
    ("server", "engine"),
    [
        ("vllm-0.32.0", "vllm"),
        ("llama-server-b11434", "llamacpp"),
        ("llama-server-b11434-router", "llamacpp"),
        ("sglang-0.5.23", "openai"),
        ("mlx-lm-0.32.2", "openai"),
        ("vllm-mlx-0.6.0", "openai"),
        ("litellm-1.106.2", "openai"),
        ("llama-cpp-python-0.3.36", "openai"),
    ],
)
def test_recorded_servers_are_told_apart(server: str, engine: str) -> None:
    assert kind(recorded(server)) == engine


def test_ollama_is_recognised_with_and_without_models() -> None:
    assert kind(OLLAMA) == "ollama"
    assert kind({**OLLAMA, "/v1/models": Reply(status=200, body=b'{"data":null}')}) == "ollama"


def test_one_confirmation_is_asked_and_none_where_nobody_claims() -> None:
    assert detect(recorded("vllm-0.32.0"))[1] == ["/v1/models", "/version"]
    assert detect(recorded("llama-server-b11434"))[1] == ["/v1/models", "/props"]
    assert detect(recorded("sglang-0.5.23"))[1] == ["/v1/models"]


def test_sglang_is_not_ollama_though_it_says_so() -> None:
    old = {
        "/v1/models": listing(("llama3:8b", "sglang"), server="uvicorn"),
        "/": Reply(status=200, body=b"Ollama is running"),
        "/api/tags": recorded("sglang-0.5.23")["/api/tags"],
    }

    assert kind(old) == "openai"


def test_a_server_that_answers_200_to_everything_is_generic() -> None:
    anything = Reply(status=200, body=b'{"error":"Unexpected endpoint or method. (GET /)"}')

    assert kind({"/v1/models": listing(("qwen2.5-7b", "organization_owner"))}, anything) == "openai"
    assert kind({"/v1/models": listing()}, anything) == "openai"
    assert kind({"/v1/models": listing(("a:b", "organization_owner"))}, anything) == "openai"
    assert kind({"/v1/models": listing(("m", "vllm"))}, anything) == "openai"


@pytest.mark.parametrize(
    ("owner", "root"),
    [("docker", b"Docker Model Runner is running"), ("lemonade", b"Ollama is running")],
)
def test_other_servers_with_ollamas_paths_are_generic(owner: str, root: bytes) -> None:
    replies = {
        "/v1/models": listing(("ai/smollm2:latest", owner)),
        "/": Reply(status=200, body=root),
        "/api/version": Reply(status=200, body=b'{"version":"0.1.0"}'),
    }

    assert kind(replies) == "openai"


def test_the_header_of_llama_cpp_alone_is_no_proof() -> None:
    assert kind({"/v1/models": listing(("m", "me"), server="llama.cpp")}) == "openai"


def test_a_gateway_that_passes_owners_on_is_generic() -> None:
    assert kind({"/v1/models": listing(("m", "vllm"), ("n", "llamacpp"))}) == "openai"


@pytest.mark.parametrize("server", ["vllm-0.32.0-locked", "llama-server-b11434-locked"])
def test_a_locked_engine_stays_unknown(server: str) -> None:
    finding, asked = detect(recorded(server))

    assert finding.engine is None
    assert finding.reason == "status 401: needs credentials"
    assert asked == ["/v1/models"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (recorded("llama-server-b11434-loading")["/health"], "status 503: Loading model"),
        (REFUSED, "refused"),
        (recorded("mlx-lm-0.32.2-no-cache")["/v1/models"], "not a model list"),
        (NOWHERE, "status 404: Not Found"),
        (Reply(status=403), "status 403: needs credentials"),
    ],
)
def test_what_lists_no_models_yet_stays_unknown(reply: Reply | Failure, reason: str) -> None:
    finding, _ = detect({"/v1/models": reply})

    assert finding.engine is None
    assert finding.reason == reason


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (REFUSED, "confirming vLLM: refused"),
        (Reply(status=500), "confirming vLLM: status 500"),
        (Reply(status=401), "confirming vLLM: status 401: needs credentials"),
    ],
)
def test_a_confirmation_that_does_not_come_decides_nothing(
    reply: Reply | Failure, reason: str
) -> None:
    finding, _ = detect({"/v1/models": recorded("vllm-0.32.0")["/v1/models"], "/version": reply})

    assert finding.engine is None
    assert finding.reason == reason


def test_marks_show_who_answers_and_not_when() -> None:
    vllm = recorded("vllm-0.32.0")["/v1/models"]

    assert marks(vllm) == ("uvicorn", "vllm")
    assert marks(vllm) != marks(recorded("sglang-0.5.23")["/v1/models"])
    assert detect(recorded("vllm-0.32.0"))[0].marks == marks(vllm)
    assert detect(recorded("llama-server-b11434-router"))[0].listed == 3
