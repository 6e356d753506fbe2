"""What holds for all engine records."""

from proxy.dialects.flaws import DEADLY
from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.registry import ENGINES, OPENAI, engine, parse, probe_paths

ADMINISTRATION = (
    "/sleep",
    "/wake_up",
    "/slots/0",
    "/models/unload",
    "/v1/load_lora_adapter",
    "/v1/unload_lora_adapter",
    "/terminate",
    "/flush_cache",
    "/abort_request",
    "/api/delete",
    "/api/pull",
    "/collective_rpc",
    "/reset_prefix_cache",
    "/lora-adapters",
    "/health/drain",
)


def test_each_record_stands_under_its_own_name_and_the_generic_one_last() -> None:
    assert [record.name for record in ENGINES.values()] == list(ENGINES)
    assert list(ENGINES)[-1] == "openai"


def test_only_the_generic_record_has_no_sign() -> None:
    assert [record.name for record in ENGINES.values() if record.sign is None] == ["openai"]


def test_an_unknown_kind_is_treated_as_generic() -> None:
    assert engine("vllm").name == "vllm"
    assert engine("") is OPENAI
    assert engine("nothing-like-it") is OPENAI


def test_engines_are_sent_nothing_but_routes_of_the_table() -> None:
    for record in ENGINES.values():
        assert record.operations <= set(OPERATIONS)
        assert "/v1/chat/completions" in record.operations


def test_no_administration_is_reachable() -> None:
    for record in ENGINES.values():
        assert not record.operations.intersection(ADMINISTRATION)
        assert not [path for path in record.paths.values() if DEADLY.search(path)]


def test_the_control_plane_asks_nothing_that_costs_or_kills() -> None:
    never = {
        "/health_generate",  # SGLang, TensorRT-LLM: a generation
        "/slots",  # llama.cpp: wakes a model
        "/perf_metrics",  # TensorRT-LLM: empties a queue
        "/terminate",
        "/health/drain",
    }

    assert not never & probe_paths()
    assert not [path for path in probe_paths() if DEADLY.search(path)]
    for name in ("sglang", "litellm"):  # whose /health computes tokens
        assert "/health" not in probe_paths([ENGINES[name]])
    assert "/metrics" not in probe_paths([ENGINES["trtllm"]])


def test_every_path_of_every_record_may_be_asked() -> None:
    paths = probe_paths([ENGINES["ollama"], ENGINES["sglang"]])

    assert {"/", "/v1/models", "/api/tags", "/api/version"} <= paths
    assert {"/v1/loads?include=core", "/model_info", "/get_model_info", "/ready"} <= paths


def test_a_profile_becomes_a_record_or_a_list_of_flaws() -> None:
    good = (
        "{profile: mine, schema: 1, title: Mine, ready: {probes: [{get: /up}]},"
        " operations: {/v1/chat/completions: {}}}"
    )

    record, flaws = parse(good)
    assert record is not None
    assert (record.name, flaws) == ("mine", [])
    assert parse("{profile: mine}")[0] is None
    assert parse("")[1]


def test_sixteen_kinds_come_with_the_package() -> None:
    assert set(ENGINES) == {
        *("vllm", "sglang", "llamacpp", "ollama", "tgi", "trtllm", "lmdeploy", "mlx-lm"),
        *("omlx", "vllm-mlx", "lemonade", "dmr", "lmstudio", "litellm", "olla", "openai"),
    }
