"""Listings are read for what matters, whatever else they hold."""

import pytest

from proxy.core.catalog import Model
from proxy.dialects.base import Reply
from proxy.dialects.listing import implied, merger, reader
from proxy.dialects.models import MAX_MODELS
from proxy.dialects.profile import Details, Fields, Grammar, Models, Naming
from proxy.dialects.registry import ENGINES
from tests.fixtures.engines.replies import recorded

READ = reader(Models(), Naming())
OLLAMA = recorded("ollama-written")


def reply(body: bytes, status: int = 200) -> Reply:
    return Reply(status=status, body=body)


def served(server: str, kind: str) -> dict[str, Model]:
    """Return what a kind's record makes of a server's replies, by name."""
    record, replies = ENGINES[kind], recorded(server)
    models = record.read_models(replies[record.models_path]).models
    for part in record.details:
        models = part.merge(models, replies.get(part.path, Reply(status=404)))
    return {model.id: model for model in models}


def test_a_listing_gives_id_owner_and_context() -> None:
    listing = READ(recorded("vllm-0.32.0")["/v1/models"])

    assert listing.problem == ""
    (model,) = listing.models
    assert (model.id, model.owned_by, model.context_length) == ("tiny", "vllm", 2048)


def test_the_time_of_the_call_and_invented_ids_change_nothing() -> None:
    first = recorded("vllm-0.32.0")["/v1/models"]
    later = reply(
        first.body.replace(b"1795356083", b"1795999999").replace(b"90b824d7693dc1e9", b"0000")
    )

    assert first.body != later.body
    assert READ(first).models == READ(later).models


@pytest.mark.parametrize("body", [b'{"object":"list","data":null}', b'{"data":[]}'])
def test_a_list_of_nothing_is_a_list(body: bytes) -> None:
    listing = READ(reply(body))

    assert listing.models == ()
    assert listing.problem == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"<html>", b'{"models":[]}', b'{"data":{}}', b'{"data":"x"}', b"\xff"],
)
def test_what_is_no_list_is_a_problem(body: bytes) -> None:
    assert READ(reply(body)).problem == "not a model list"


def test_a_server_that_answers_200_to_every_path_is_quoted() -> None:
    body = b'{"error":"Unexpected endpoint or method. (GET /v1/models)"}'

    assert READ(reply(body)).problem == (
        "not a model list: Unexpected endpoint or method. (GET /v1/models)"
    )


def test_entries_without_a_usable_id_and_repetitions_are_left_out() -> None:
    body = (
        b'{"data":[1,{"id":7},{"id":""},{"id":"a\\u0000b"},{"id":"a\\nb"},{"id":"good"},'
        b'{"id":"good"},{"x":1},{"id":"other","owned_by":3}]}'
    )

    assert [(m.id, m.owned_by) for m in READ(reply(body)).models] == [
        ("good", ""),
        ("other", ""),
    ]


def test_a_list_without_end_is_cut() -> None:
    body = b'{"data":[' + b",".join(b'{"id":"m%d"}' % n for n in range(MAX_MODELS + 5)) + b"]}"

    assert len(READ(reply(body)).models) == MAX_MODELS


@pytest.mark.parametrize(
    ("field", "value", "tokens"),
    [
        ("max_model_len", "4096", 4096),
        ("context_length", "8192", 8192),
        ("context_window", "1", 1),
        ("max_context_length", "2", 2),
        ("max_model_len", "null", None),
        ("max_model_len", '"4096"', None),
        ("max_model_len", "0", None),
        ("max_model_len", "true", None),
        ("max_model_len", "1.5", None),
    ],
)
def test_the_context_is_found_under_its_usual_names(
    field: str, value: str, tokens: int | None
) -> None:
    (model,) = READ(reply(f'{{"data":[{{"id":"m","{field}":{value}}}]}}'.encode())).models

    assert model.context_length == tokens


def test_adapters_are_models_of_another_without_weights_of_their_own() -> None:
    body = (
        b'{"data":[{"id":"base","root":"org/base","max_model_len":4096},'
        b'{"id":"sql","root":"org/sql-adapter","parent":"base","max_model_len":null}]}'
    )

    base, adapter = ENGINES["vllm"].read_models(reply(body)).models

    assert (base.weights, base.parent, base.context_length) == ("hf:org/base", "", 4096)
    assert (adapter.weights, adapter.parent, adapter.context_length) == ("", "base", None)


@pytest.mark.parametrize(
    ("server", "kind", "name", "context", "weights", "capabilities"),
    [
        ("vllm-0.32.0", "vllm", "tiny", 2048, "", ()),  # a folder, though written like a repository
        ("sglang-0.5.8-written", "sglang", "llama3:8b", 8192,
         "hf:meta-llama/meta-llama-3-8b-instruct", ()),
        ("llama-server-b11434", "llamacpp", "tiny", 2048, "", ()),
        ("ollama-written", "ollama", "llama3.1:8b", 131072,
         "sha256:46e0c10c039e019119339687c3c1757cc81b9da49709a3b3924863ba87ca666e",
         ("completion", "tools")),
        ("tgi-written", "tgi", "teknium/OpenHermes-2.5-Mistral-7B", 4096,
         "hf:teknium/openhermes-2.5-mistral-7b", ()),
        ("lmdeploy-written", "lmdeploy", "internlm3-8b-instruct", None, "", ()),
        ("omlx-written", "omlx", "Qwen3-8B-4bit", 40960, "", ()),
        ("lemonade-written", "lemonade", "Qwen3-8B-GGUF", 4096,
         "hf:unsloth/qwen3-8b-gguf:q4_1", ("thinking", "tools")),
        ("dmr-written", "dmr", "ai/smollm2:latest", 8192, "", ()),
        ("lmstudio-written", "lmstudio", "qwen2.5-7b-instruct", 16384, "", ("tools",)),
        ("lmstudio-0.3-written", "lmstudio", "qwen2.5-7b-instruct", 32768, "", ()),
    ],
)  # fmt: skip
def test_each_kind_tells_context_proof_and_capabilities_in_its_own_place(
    server: str,
    kind: str,
    name: str,
    context: int | None,
    weights: str,
    capabilities: tuple[str, ...],
) -> None:
    model = served(server, kind)[name]

    assert (model.context_length, model.weights) == (context, weights)
    assert model.capabilities == capabilities


def test_a_router_lists_what_it_could_load_and_nothing_of_its_command_lines() -> None:
    models = served("llama-server-b11434-router", "llamacpp")

    assert {name: m.context_length for name, m in models.items()} == {
        "alpha": None,
        "beta": None,
        "gamma": None,
    }
    assert "args" not in repr(models)


def test_names_an_engine_takes_besides_are_kept() -> None:
    body = b'{"data":[{"id":"m","aliases":["small",5,"a\\nb"]}]}'

    assert ENGINES["llamacpp"].read_models(reply(body)).models[0].also == ("small",)
    assert served("ollama-written", "ollama")["bob/mine:latest"].also == ("bob/mine",)


@pytest.mark.parametrize(
    ("grammar", "name", "names"),
    [
        (Grammar.OLLAMA, "llama3:latest", ("llama3",)),
        (Grammar.OLLAMA, "llama3:8b", ()),
        (Grammar.DOCKER, "ai/smollm2:latest", ("ai/smollm2", "smollm2:latest", "smollm2")),
        (Grammar.DOCKER, "ai/smollm2:360M", ("smollm2:360M",)),
        (Grammar.FREE, "ai/x:latest", ()),
    ],
)
def test_what_a_grammar_implies_may_be_left_out(
    grammar: Grammar, name: str, names: tuple[str, ...]
) -> None:
    assert implied(Naming(grammar=grammar), name) == names


def test_what_an_engines_own_listing_needs_is_kept() -> None:
    model = served("ollama-written", "ollama")["llama3.1:8b"]

    assert model.extra["size"] == 4920753328
    assert model.extra["modified_at"] == "2026-08-01T10:00:00Z"
    assert model.extra["quantization"] == "Q4_K_M"
    assert dict(model.extra)["details"] == {
        "parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"],
        "parameter_size": "8.0B", "quantization_level": "Q4_K_M", "context_length": 131072,
    }  # fmt: skip


@pytest.mark.parametrize(
    "bad",
    [
        Reply(status=500, body=OLLAMA["/api/tags"].body),
        Reply(status=200, body=b"[]"),
        Reply(status=200, body=b'{"models":[5,{"name":7}]}'),
    ],
)
def test_details_that_cannot_be_read_leave_the_listing_alone(bad: Reply) -> None:
    record = ENGINES["ollama"]
    models = record.read_models(OLLAMA["/v1/models"]).models

    assert record.details[0].merge(models, bad) == models


def test_details_of_one_document_speak_of_every_model() -> None:
    merge = merger(Details(get="/x", fields=Fields(context=("/n",))))

    found = merge((Model(id="a"), Model(id="b", context_length=3)), reply(b'{"n":9}'))

    assert [model.context_length for model in found] == [9, 9]
