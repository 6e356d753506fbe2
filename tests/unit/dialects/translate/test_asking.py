"""Asking: what can be translated for an engine, by what the engine has."""

import pytest

from proxy.core.catalog import Model
from proxy.dialects import cards
from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.registry import ENGINES, engine
from proxy.dialects.translate.asking import COUNT, SHOW, reachable, translate
from proxy.dialects.translate.base import Refusal, Settled, Translated
from proxy.dialects.translate.table import TRANSLATORS

MODEL = Model(id="m")


def test_a_model_is_shown_from_what_is_known_of_it() -> None:
    made = translate(SHOW, b"{}", engine("vllm"), MODEL, request_id="i", created=0.0)

    assert isinstance(made, Settled)
    assert made.body == cards.shown(MODEL)


def test_the_table_of_operations_says_which_are_translated() -> None:
    marked = {path for path, operation in OPERATIONS.items() if operation.translates}

    assert marked == {*TRANSLATORS, COUNT, SHOW}


@pytest.mark.parametrize("kind", ENGINES)
def test_every_engine_can_be_asked_for_a_chat_in_every_dialect(kind: str) -> None:
    for path in ("/v1/messages", "/v1/responses", "/api/chat", "/api/generate", COUNT):
        assert reachable(path, engine(kind))
    assert not reachable("/v1/rerank", engine(kind))


def test_embeddings_need_an_engine_that_has_them() -> None:
    assert reachable("/api/embed", engine("vllm"))
    assert not reachable("/api/embed", engine("tgi"))


def test_tokens_are_counted_by_what_the_engine_has() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'

    def asked(kind: str) -> Translated | Settled | Refusal:
        return translate(COUNT, body, engine(kind), MODEL, request_id="i", created=0.0)

    assert isinstance(asked("vllm"), Translated)
    assert isinstance(asked("tgi"), Settled)


def test_a_translation_to_a_path_the_engine_lacks_is_refused() -> None:
    body = b'{"model":"m","prompt":"x","suffix":"y"}'
    whole = engine("vllm")
    without = type(whole)(
        **{f: getattr(whole, f) for f in whole.__struct_fields__}
        | {"operations": whole.operations - {"/v1/completions"}}
    )

    made = translate("/api/generate", body, without, MODEL, request_id="i", created=0.0)

    assert isinstance(made, Refusal)
    assert "/v1/completions" in made.message
    kept = translate("/api/generate", body, whole, MODEL, request_id="i", created=0.0)
    assert isinstance(kept, Translated)
