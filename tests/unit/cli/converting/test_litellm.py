"""LiteLLM's deployments, groups and router, one by one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.cli.converting.ledger import Fate
from proxy.cli.converting.litellm import converted

EXAMPLE = Path(__file__).resolve().parents[3] / "fixtures" / "imports" / "litellm.yaml"


def run(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, tuple[Fate, str]]]:
    settings, ledger = converted(document)
    return settings, {line.path: (line.fate, line.words) for line in ledger.report()}


def deployment(
    name: str, model: str, base: str = "http://a:8000/v1", **more: Any
) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, "api_base": base, **more}}


def test_the_example_becomes_what_it_means() -> None:
    settings, told = run(yaml.safe_load(EXAMPLE.read_text()))

    first, second, third, fourth = settings["backends"]
    assert fourth == {"url": "http://10.0.0.8:8000", "type": "vllm", "priority": 2}
    assert (first["url"], first["type"], first["api_key"]) == (
        "http://10.0.0.5:8000",
        "vllm",
        "${VLLM_KEY}",
    )
    assert (first["weight"], first["priority"], first["max_in_flight"]) == (2, 0, 32)
    assert first["models"]["include"] == ["meta-llama/Llama-3.1-8B-Instruct", "bge-m3"]
    assert (second["priority"], third["priority"], third["type"]) == (1, 2, "ollama")
    assert settings["models"]["aliases"] == {
        "chat": ["meta-llama/Llama-3.1-8B-Instruct", "bge-m3"],
        "embed": ["bge-m3"],
        "gpt-4": ["meta-llama/Llama-3.1-8B-Instruct"],
    }
    assert settings["balance"] == {"policy": "least-connections"}
    assert settings["timeouts"] == {"total": "300s"}
    assert settings["keys"] == {"clients": {"master": {"key": "${LITELLM_MASTER_KEY}"}}}
    for path in ("model_list[4]", "model_list[5]"):
        assert told[path][0] is Fate.DROPPED
    assert "provider's own address" in told["model_list[5]"][1]
    assert told["model_list[2].litellm_params.api_key"][0] is Fate.DROPPED
    assert told["router_settings.fallbacks[0].chat"][0] is Fate.APPROXIMATED
    assert told["router_settings.fallbacks[1].qwen3:8b"][0] is Fate.DROPPED
    assert told["litellm_settings.success_callback"][0] is Fate.DROPPED


def test_a_model_under_its_own_name_needs_no_alias() -> None:
    settings, _ = run({"model_list": [deployment("m", "hosted_vllm/m")]})

    assert "models" not in settings


@pytest.mark.parametrize(
    ("group", "model", "models"),
    [
        ("*", "hosted_vllm/*", None),
        ("ollama/*", "ollama_chat/*", None),
        ("q/*", "openai/qwen*", {"include": ["qwen*"]}),
    ],
)
def test_a_pattern_keeps_its_engine(
    group: str, model: str, models: dict[str, list[str]] | None
) -> None:
    settings, told = run({"model_list": [deployment(group, model)]})

    (backend,) = settings["backends"]
    assert (backend["url"], backend.get("models")) == ("http://a:8000", models)
    assert "models" not in settings
    assert told["model_list[0].model_name"][0] is Fate.APPROXIMATED


def test_a_group_that_is_the_name_of_another_model_is_told() -> None:
    document = {"model_list": [deployment("b", "openai/a"), deployment("c", "openai/b")]}

    settings, told = run(document)

    assert settings["models"]["aliases"] == {"c": ["b"]}
    assert told["model_list[0].model_name"][0] in {Fate.APPROXIMATED, Fate.CARRIED}
    assert "is also the name of a model" in str(told)


@pytest.mark.parametrize(
    ("strategy", "policy", "fate"),
    [
        ("simple-shuffle", "random", Fate.CARRIED),
        ("least-busy", "least-connections", Fate.CARRIED),
        ("latency-based-routing", "work", Fate.APPROXIMATED),
    ],
)
def test_a_strategy_becomes_a_policy(strategy: str, policy: str, fate: Fate) -> None:
    settings, told = run({"router_settings": {"routing_strategy": strategy}})

    assert settings["balance"] == {"policy": policy}
    assert told["router_settings.routing_strategy"][0] is fate


@pytest.mark.parametrize(
    ("one", "why"),
    [
        ({"model_name": "x"}, "no litellm_params.model"),
        (deployment("x", "openai/x", "ftp://a"), "api_base cannot be used"),
        (deployment("x", "openai/x", "http://a/deep"), "below /deep without /v1"),
        (deployment("x", "bedrock/x"), "provider's own address"),
        ("text", "no litellm_params.model"),
    ],
)
def test_a_deployment_that_cannot_be_an_engine_is_told(one: object, why: str) -> None:
    settings, told = run({"model_list": [one]})

    assert not settings["backends"]
    assert why in str(told)


@pytest.mark.parametrize(
    ("model", "base", "url"),
    [
        ("openai/x", "http://a/deep/v1", "http://a:80/deep"),
        ("ollama/x", "http://a/deep", "http://a:80/deep"),
        ("docker_model_runner/x", "http://a:1/engines/llama.cpp", "http://a:1"),
    ],
)
def test_an_engine_below_a_path_stays_there(model: str, base: str, url: str) -> None:
    settings, _ = run({"model_list": [deployment("x", model, base)]})

    assert [one["url"] for one in settings["backends"]] == [url]


def test_who_names_no_order_comes_last() -> None:
    document = {
        "model_list": [
            deployment("x", "openai/x", "http://a:1", order=5),
            deployment("x", "openai/x", "http://b:1"),
        ]
    }

    settings, _ = run(document)

    assert [one["priority"] for one in settings["backends"]] == [0, 1]
