"""Cards: models as clients of Anthropic and Ollama read about them."""

import json
from types import MappingProxyType

import ollama
import pytest

from proxy.core.catalog import Model
from proxy.dialects import cards

BARE = Model(id="org/m")
RICH = Model(
    id="llama3.1:8b",
    context_length=131072,
    capabilities=("completion", "vision"),
    extra=MappingProxyType(
        {
            "size": 4_920_753_328,
            "digest": "46e0c10c039e019119339687c3c1757cc81b9da49709a3b3924863ba87ca666e",
            "modified_at": "2026-10-01T00:00:00Z",
            "details": {"family": "llama", "format": "gguf", "parameter_size": "8.0B"},
            "remote_host": "https://ollama.com",
        }
    ),
)


def test_ollamas_list_shows_what_is_known_and_fills_in_what_clients_need() -> None:
    bare, rich = json.loads(cards.tags([BARE, RICH]))["models"]

    assert bare["name"] == bare["model"] == "org/m"
    assert len(bare["digest"]) == 64
    assert bare["size"] == 0
    assert bare["capabilities"] == ["completion", "tools"]
    assert rich["digest"] == RICH.extra["digest"]
    assert (rich["size"], rich["remote_host"]) == (4_920_753_328, "https://ollama.com")
    assert rich["details"]["family"] == "llama"
    assert rich["details"]["context_length"] == 131072
    assert cards.tags([BARE]) == cards.tags([BARE])


@pytest.mark.parametrize("model", [BARE, RICH])
def test_ollamas_own_client_reads_them(model: Model) -> None:
    ollama.ListResponse.model_validate_json(cards.tags([model]))
    (process,) = ollama.ProcessResponse.model_validate_json(cards.running([model])).models
    shown = ollama.ShowResponse.model_validate_json(cards.shown(model))

    assert process.context_length == (model.context_length or 0)
    assert shown.capabilities == list(model.capabilities or ("completion", "tools"))
    assert shown.modelinfo is not None
    family = shown.modelinfo["general.architecture"]
    assert shown.modelinfo.get(f"{family}.context_length") == model.context_length


def test_the_version_is_one() -> None:
    assert json.loads(cards.version())["version"].count(".") == 2


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        (8_030_261_312, "8.0B"),
        (134_515_008, "134.5M"),
        (1500, "1.5K"),
        (12, "12"),
        ("70B", "70B"),
        (True, ""),
        (None, ""),
    ],
)
def test_sizes_of_models_are_written_as_people_do(parameters: object, shown: str) -> None:
    model = Model(id="m", extra=MappingProxyType({"parameters": parameters}))

    assert json.loads(cards.tags([model]))["models"][0]["details"]["parameter_size"] == shown


def test_anthropics_list_is_one_page() -> None:
    listed = json.loads(cards.anthropic_list([BARE, RICH]))

    assert [card["id"] for card in listed["data"]] == ["org/m", "llama3.1:8b"]
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == (
        "org/m",
        "llama3.1:8b",
        False,
    )
    assert listed["data"][1]["max_input_tokens"] == 131072
    assert json.loads(cards.anthropic_list([]))["first_id"] is None
