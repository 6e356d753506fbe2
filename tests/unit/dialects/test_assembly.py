"""From data to a record: what a profile says is what the record does."""

from typing import Any

import msgspec
import pytest

from proxy.dialects.assembly import engine
from proxy.dialects.base import Engine, Reply
from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.profile import Profile
from proxy.dialects.registry import ENGINES
from tests.fixtures.engines.replies import recorded


def made(**keys: Any) -> Engine:
    whole = {
        "profile": "mine",
        "schema": 1,
        "title": "Mine",
        "ready": {"probes": [{"get": "/up"}]},
        "operations": {"/v1/chat/completions": {}},
    } | keys
    return engine(msgspec.convert(whole, Profile))


def test_limits_headers_and_flags_are_those_of_the_profile() -> None:
    record = made(
        client={"idle": 9.5, "max_requests": 7, "max_body": 100},
        stream={"done": False},
        cancel={"stream_upstream": True},
        headers={"drop": ["x-a"], "hide": ["x-b-*"]},
        identity={"ports": [7000]},
    )

    assert (record.keep_alive, record.max_requests, record.max_body) == (9.5, 7, 100)
    assert not record.done_required
    assert record.stream_upstream
    assert (record.dropped_headers, record.hidden_headers) == ({b"x-a"}, {b"x-b-*"})
    assert record.ports == (7000,)


def test_what_costs_too_much_is_never_asked() -> None:
    record = made(
        ready={"probes": [{"get": "/deep", "cost": "gpu"}, {"get": "/up"}]},
        models={"details": [{"get": "/d", "fields": {}, "cost": "wakes"}]},
        capacity={"get": "/c", "at": "/n", "cost": "destructive"},
        load=[
            {"get": "/l", "signals": {}, "cost": "destructive"},
            {"get": "/q", "signals": {}, "cost": "queue"},
        ],
    )

    assert [probe.path for probe in record.ready] == ["/up"]
    assert record.details == ()
    assert record.capacity is None
    assert [gauge.path for gauge in record.load] == ["/q"]


def test_a_path_of_its_own_stands_beside_the_one_of_the_client() -> None:
    record = made(operations={"/v1/messages": {"path": "/anthropic/v1/messages"}, "/score": {}})

    assert record.operations == {"/v1/messages", "/score"}
    assert record.paths == {"/v1/messages": "/anthropic/v1/messages"}


def test_paths_this_proxy_does_not_serve_yet_stay_closed() -> None:
    assert made(operations={"/api/embed": {}}).operations <= set(OPERATIONS)


@pytest.mark.parametrize(
    ("kind", "server", "path", "reason"),
    [
        ("vllm", "vllm-0.32.0", "/health", ""),
        ("llamacpp", "llama-server-b11434", "/health", ""),
        ("llamacpp", "llama-server-b11434-loading", "/health", "status 503: Loading model"),
        ("mlx-lm", "mlx-lm-0.32.2", "/health", ""),
        ("vllm-mlx", "vllm-mlx-0.6.0", "/health", ""),
        ("litellm", "litellm-1.106.2", "/health/readiness", ""),
        ("openai", "litellm-1.106.2", "/v1/models", ""),
        ("openai", "vllm-0.32.0-locked", "/v1/models", "status 401: needs credentials"),
        ("ollama", "ollama-written", "/", ""),
        ("tgi", "tgi-written", "/health", ""),
        ("trtllm", "trtllm-written", "/health", ""),
        ("lmdeploy", "lmdeploy-written", "/health", ""),
        ("omlx", "omlx-written", "/health", ""),
        ("lemonade", "lemonade-written", "/live", ""),
        ("dmr", "dmr-written", "/", ""),
        ("lmstudio", "lmstudio-written", "/v1/models", ""),
        ("olla", "olla-written", "/internal/health", ""),
    ],
)
def test_each_kind_says_that_it_is_ready_in_its_own_words(
    kind: str, server: str, path: str, reason: str
) -> None:
    (probe,) = [probe for probe in ENGINES[kind].ready if probe.path == path]

    assert probe.judge(recorded(server)[path]) == reason


@pytest.mark.parametrize(
    ("kind", "path", "reply", "reason"),
    [
        ("vllm", "/health", Reply(status=503), "the engine behind it has died (status 503)"),
        ("vllm", "/health", Reply(status=503, body=b'{"error":"currently scaling"}'),
         "loading (status 503: currently scaling)"),
        ("lmdeploy", "/health", Reply(status=200, body=b'{"status":"sleeping"}'),
         "sleeping (health says something other than healthy)"),
        ("lmdeploy", "/health", Reply(status=200), ""),  # before 0.14
        ("vllm-mlx", "/health",
         Reply(status=200, body=b'{"status":"healthy","model_loaded":false}'),
         "loading (no model is loaded)"),
        ("llamacpp", "/health", Reply(status=200, body=b"<html>"),
         "health says something other than ok"),
        ("sglang", "/ready", Reply(status=503), "loading (status 503)"),
        ("litellm", "/health/readiness", Reply(status=503), "draining (status 503)"),
        ("lmstudio", "/v1/models", Reply(status=200, body=b'{"error":"Unexpected endpoint"}'),
         "not a model list"),
        ("ollama", "/", Reply(status=200, body=b"{}"), "the root page is not Ollama's"),
        ("ollama", "/api/version", Reply(status=200, body=b"{}"), "no version"),
    ],
)  # fmt: skip
def test_a_condition_of_the_engine_goes_before_the_status(
    kind: str, path: str, reply: Reply, reason: str
) -> None:
    (probe,) = [probe for probe in ENGINES[kind].ready if probe.path == path]

    assert probe.judge(reply) == reason


def test_capacity_is_told_by_those_who_know() -> None:
    llama, sglang = ENGINES["llamacpp"].capacity, ENGINES["sglang"].capacity
    tgi = ENGINES["tgi"].capacity

    assert llama is not None
    assert sglang is not None
    assert tgi is not None
    assert llama.read(recorded("llama-server-b11434")["/props"]) == 2
    assert llama.read(recorded("llama-server-b11434-router")["/props"]) is None
    assert llama.read(Reply(status=401, body=b'{"total_slots":4}')) is None
    assert llama.read(Reply(status=200, body=b'{"total_slots":0}')) is None
    assert sglang.read(Reply(status=200, body=b'{"loads":[{"max_running_requests":2}]}')) == 2
    assert tgi.read(recorded("tgi-written")["/info"]) == 128
    assert ENGINES["vllm"].capacity is None


def test_engines_that_miss_disconnects_are_asked_for_streams() -> None:
    missing = {name for name, record in ENGINES.items() if record.stream_upstream}

    assert missing == {"llamacpp", "mlx-lm", "lemonade", "litellm"}


def test_a_client_cannot_pick_rank_queue_place_or_a_stream_that_outlives_it() -> None:
    assert {b"x-data-parallel-rank", b"x-vllm-priority"} <= ENGINES["vllm"].dropped_headers
    assert b"x-conversation-id" in ENGINES["llamacpp"].dropped_headers
