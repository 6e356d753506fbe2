"""What holds for all engine records."""

from proxy.dialects.openai import OPENAI
from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.registry import ENGINES, engine, probe_paths

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


def test_the_control_plane_asks_only_harmless_paths() -> None:
    assert probe_paths() == {
        "/",
        "/v1/models",
        "/health",
        "/version",
        "/props",
        "/api/version",
        "/api/tags",
    }
