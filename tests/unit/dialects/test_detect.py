"""Engines are told apart by their bodies, each from those it could be taken for.

What is not recorded follows documentation and source: the files called `-written`.
"""

from collections.abc import Mapping

import msgspec
import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.base import Reply
from proxy.dialects.detect import Finding, marks, steps
from proxy.dialects.registry import ENGINES
from tests.fixtures.engines.replies import HERE, recorded

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
            asked.append(dialogue.send(replies.get(asked[-1], replies.get("*", other))))
        except StopIteration as end:
            return end.value, asked


def kind(replies: Mapping[str, Reply | Failure], other: Reply = NOWHERE) -> str:
    finding, _ = detect(replies, other)
    assert finding.engine is not None, finding.reason
    return finding.engine.name


@pytest.mark.parametrize(
    ("server", "engine"),
    [
        ("vllm-0.32.0", "vllm"),
        ("llama-server-b11434", "llamacpp"),
        ("llama-server-b11434-router", "llamacpp"),
        ("sglang-0.5.23", "sglang"),
        ("sglang-0.5.8-written", "sglang"),  # greets in Ollama's words, answers /api/tags
        ("mlx-lm-0.32.2", "mlx-lm"),  # stands on llama.cpp's port
        ("vllm-mlx-0.6.0", "vllm-mlx"),  # named like vLLM, on its port
        ("litellm-1.106.2", "litellm"),
        ("llama-cpp-python-0.3.36", "openai"),  # named like llama.cpp, another server
        ("ollama-written", "ollama"),
        ("ollama-empty-written", "ollama"),
        ("tgi-written", "tgi"),
        ("trtllm-written", "trtllm"),  # has vLLM's port and its /version
        ("lmdeploy-written", "lmdeploy"),
        ("omlx-written", "omlx"),
        ("lemonade-written", "lemonade"),  # all of Ollama's paths, its greeting, LM Studio's path
        ("dmr-written", "dmr"),  # Ollama's paths and its names with tags
        ("dmr-old-written", "dmr"),  # nothing at /v1
        ("dmr-empty-written", "dmr"),
        ("lmstudio-written", "lmstudio"),  # 200 for every path
        ("lmstudio-0.3-written", "lmstudio"),
        ("lmstudio-empty-written", "lmstudio"),
        ("olla-written", "olla"),  # Ollama's models, vLLM's /version
    ],
)
def test_servers_are_told_apart(server: str, engine: str) -> None:
    assert kind(recorded(server)) == engine


def test_every_kind_is_recognised_by_some_recording() -> None:
    names = {path.stem for path in HERE.glob("*.txt")}
    kinds = {
        finding.engine.name
        for name in names
        if (finding := detect(recorded(name))[0]).engine is not None
    }

    assert kinds == set(ENGINES)


def with_owner(server: str, old: str, new: str) -> Mapping[str, Reply]:
    """Return a server's replies with another owner on its models."""
    replies = dict(recorded(server))
    for path in ("/v1/models", "/engines/v1/models", "/olla/proxy/v1/models"):
        if path in replies:
            body = replies[path].body.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
            replies[path] = msgspec.structs.replace(replies[path], body=body)
    return replies


OWNERS = {
    "vllm-0.32.0": "vllm",
    "llama-server-b11434": "llamacpp",
    "sglang-0.5.23": "sglang",
    "vllm-mlx-0.6.0": "vllm-mlx",
    "trtllm-written": "tensorrt_llm",
    "lmdeploy-written": "lmdeploy",
    "omlx-written": "omlx",
    "lemonade-written": "lemonade",
    "dmr-written": "docker",
    "lmstudio-written": "organization_owner",
    "ollama-written": "library",
}


@pytest.mark.parametrize("server", OWNERS)
@pytest.mark.parametrize("claimed", OWNERS)
def test_no_server_is_taken_for_another_whatever_owner_it_passes_on(
    server: str, claimed: str
) -> None:
    owner = OWNERS[claimed]
    finding, _ = detect(with_owner(server, OWNERS[server], owner))
    mine, theirs = kind(recorded(server)), kind(recorded(claimed))

    assert finding.engine is not None
    # Two have nothing but a version or a plain health page to show: what bears their mark is them.
    if not (theirs in {"vllm", "trtllm"} and mine in {"vllm", "trtllm", "dmr"}):
        assert finding.engine.name in {mine, "openai"}


def test_one_confirmation_is_asked_and_none_where_nobody_claims() -> None:
    assert detect(recorded("vllm-0.32.0"))[1] == ["/v1/models", "/version"]
    assert detect(recorded("llama-server-b11434"))[1] == ["/v1/models", "/props"]
    assert detect(recorded("llama-cpp-python-0.3.36"))[1] == ["/v1/models"]


def test_a_path_is_asked_once_for_all_who_want_it() -> None:
    finding, asked = detect(recorded("ollama-empty-written"))

    assert finding.engine is ENGINES["ollama"]
    assert asked == ["/v1/models", "/", "/health/liveliness"]


def test_an_older_confirmation_is_asked_where_the_newer_path_is_missing() -> None:
    assert detect(recorded("sglang-0.5.23"))[1] == [
        "/v1/models",
        "/model_info",
        "/get_model_info",
    ]


def test_lists_elsewhere_are_asked_for_only_if_there_is_none_at_the_usual_place() -> None:
    assert detect(recorded("olla-written"))[1] == [
        "/v1/models",
        "/engines/v1/models",
        "/olla/proxy/v1/models",
        "/version",
    ]


def test_a_server_that_answers_200_to_everything_is_generic() -> None:
    anything = Reply(status=200, body=b'{"error":"Unexpected endpoint or method. (GET /)"}')

    for owner in ("organization_owner", "vllm", "docker", "omlx", "lmdeploy", "sglang"):
        assert kind({"/v1/models": listing(("a:b", owner))}, anything) == "openai"
    assert kind({"/v1/models": listing()}, anything) == "openai"


def test_another_proxy_in_front_of_ollama_is_not_ollama() -> None:
    replies = dict(recorded("ollama-written"))
    replies["/v1/models"] = msgspec.structs.replace(
        replies["/v1/models"], headers={"x-request-id": "1"}
    )

    assert kind(replies) == "openai"


def test_an_olla_in_front_of_vllm_is_not_vllm() -> None:
    replies = {
        "/v1/models": listing(("m", "vllm")),
        "/version": recorded("olla-written")["/version"],
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
