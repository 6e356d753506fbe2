"""Olla's keys, one by one."""

from pathlib import Path
from typing import Any

import yaml

from proxy.cli.converting.ledger import Fate
from proxy.cli.converting.olla import converted

EXAMPLE = Path(__file__).resolve().parents[3] / "fixtures" / "imports" / "olla.yaml"


def run(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, tuple[Fate, str]]]:
    settings, ledger = converted(document)
    return settings, {line.path: (line.fate, line.words) for line in ledger.report()}


def endpoints(*some: object, **more: Any) -> dict[str, Any]:
    return {"discovery": {"static": {"endpoints": list(some)}}, **more}


def test_the_example_becomes_what_it_means() -> None:
    settings, told = run(yaml.safe_load(EXAMPLE.read_text()))

    assert settings["listen"] == "0.0.0.0:40114"
    assert [one["name"] for one in settings["backends"]] == [
        "gpu-a",
        "local-ollama",
        "studio",
        "deep",
        "secured",
    ]
    assert settings["backends"][3]["url"] == "http://10.0.0.8:8000/engines/llama"
    first = settings["backends"][0]
    assert first["api_key"] == "${GPU_A_KEY}"
    assert first["models"] == {"include": ["llama*", "qwen*"], "exclude": ["*-draft"]}
    assert [one["priority"] for one in settings["backends"]] == [0, 1, 1, 0, 0]
    assert settings["models"]["aliases"] == {
        "fast": ["llama3.2", "qwen2.5"],
        "qwen3": ["qwen3:latest"],
    }
    assert settings["limits"] == {"body": 52428800, "headers": 524288, "body_timeout": "30s"}
    assert settings["timeouts"] == {"connect": "30s", "idle": "120s"}
    assert settings["log"] == {"level": "warning", "format": "console"}
    assert told["discovery.static.endpoints[4].type"][0] is Fate.APPROXIMATED
    assert told["discovery.static.endpoints[2].headers.X-Team"][0] is Fate.DROPPED
    assert told["somewhere.else"] == (Fate.DROPPED, "headrace has nothing like it")
    assert told["model_aliases.loop"][0] is Fate.DROPPED


def test_a_docker_model_runner_is_its_address() -> None:
    settings, _ = run(endpoints({"url": "http://a:12434/engines/v1", "type": "dmr"}))

    assert settings["backends"] == [{"url": "http://a:12434", "type": "dmr"}]


def test_priorities_count_only_where_they_counted() -> None:
    one = {"url": "http://a:1", "priority": 10}
    two = {"url": "http://b:1", "priority": 20}

    plain, told = run(endpoints(one, two, proxy={"load_balancer": "least-connections"}))

    assert "priority" not in plain["backends"][0]
    assert told["discovery.static.endpoints[0].priority"][0] is Fate.DROPPED
    assert plain["balance"] == {"policy": "least-connections"}


def test_a_policy_there_is_not_is_told() -> None:
    settings, told = run(endpoints(proxy={"load_balancer": "weighted"}))

    assert "balance" not in settings
    assert told["proxy.load_balancer"][0] is Fate.DROPPED


def test_an_address_that_stands_twice_is_taken_once_as_there() -> None:
    same = "http://a:1"
    settings, told = run(endpoints({"url": same, "name": "x"}, {"url": same, "name": "y"}))

    assert [one["name"] for one in settings["backends"]] == ["y"]
    assert "the last one" in told["discovery.static.endpoints[1].url"][1]


def test_an_address_that_cannot_be_used_is_told_without_what_stands_in_it() -> None:
    settings, told = run(endpoints({"url": "http://user:secret@a:1"}, "not an endpoint"))

    assert not settings["backends"]
    assert "secret" not in str(told)
    assert told["discovery.static.endpoints[0]"][0] is Fate.DROPPED


def test_credentials_from_files_are_carried_and_other_kinds_told() -> None:
    by_file = {"url": "http://a:1", "auth": {"type": "bearer", "token_file": "/run/key"}}
    by_header = {"url": "http://b:1", "auth": {"type": "api_key", "key": "x", "header": "X-Key"}}

    settings, told = run(endpoints(by_file, by_header))

    assert settings["backends"][0]["api_key_file"] == "/run/key"
    assert "api_key" not in settings["backends"][1]
    assert told["discovery.static.endpoints[1].auth"][0] is Fate.DROPPED


def test_a_time_of_zero_is_no_limit_and_written_nowhere() -> None:
    settings, told = run({"server": {"read_timeout": "0s", "host": "localhost"}})

    assert "limits" not in settings
    assert settings["listen"] == "127.0.0.1:40114"
    assert told["server.read_timeout"] == (Fate.DROPPED, "no limit there, the default here")


def test_an_ipv6_host_is_written_in_brackets() -> None:
    assert run({"server": {"host": "::1", "port": 1}})[0]["listen"] == "[::1]:1"
