"""Ollama's embeddings, asked of an OpenAI engine."""

import json

import pytest

from proxy.dialects.translate.base import Refusal, Settled, Translated
from proxy.dialects.translate.embeddings import embed, embeddings

ANSWER = (
    b'{"object":"list","data":[{"index":1,"embedding":[0.5,-1e-9]},'
    b'{"index":0,"embedding":[1.0,2]}],"usage":{"prompt_tokens":4}}'
)


def translated(body: bytes, *, old: bool = False) -> Translated:
    made = (embeddings if old else embed)(body, request_id="id-1", created=10.0)
    assert isinstance(made, Translated)
    return made


def test_several_inputs_are_asked_at_once_and_answered_in_order() -> None:
    made = translated(b'{"model":"m","input":["a","b"],"dimensions":2,"truncate":true}')

    assert made.path == "/v1/embeddings"
    assert json.loads(made.body) == {
        "model": "m",
        "input": ["a", "b"],
        "dimensions": 2,
        "encoding_format": "float",
    }
    assert not made.stream
    assert made.answer.whole(200, ANSWER, now=12.0) == (
        b'{"model":"m","embeddings":[[1.0,2],[0.5,-1e-9]],"total_duration":2000000000,'
        b'"load_duration":0,"prompt_eval_count":4}'
    )
    assert made.answer.tokens_in == 4


def test_the_older_path_has_one_of_each() -> None:
    made = translated(b'{"model":"m","prompt":"a"}', old=True)

    assert json.loads(made.body)["input"] == "a"
    assert made.answer.whole(200, ANSWER) == b'{"embedding":[1.0,2]}'


@pytest.mark.parametrize(
    ("body", "old", "wanted"),
    [
        (b'{"model":"m"}', False, b'{"model":"m","embeddings":[]}'),
        (b'{"model":"m","input":[]}', False, b'{"model":"m","embeddings":[]}'),
        (b'{"model":"m"}', True, b'{"embedding":[]}'),
    ],
)
def test_without_input_nothing_is_asked(body: bytes, old: bool, wanted: bytes) -> None:
    made = (embeddings if old else embed)(body, request_id="id-1", created=10.0)

    assert isinstance(made, Settled)
    assert made.body == wanted


@pytest.mark.parametrize("old", [True, False])
def test_a_field_nobody_knows_is_refused(old: bool) -> None:
    made = (embeddings if old else embed)(b'{"model":"m","x":1}', request_id="i", created=0.0)

    assert isinstance(made, Refusal)
    assert made.param == "x"


@pytest.mark.parametrize(
    ("status", "body", "wanted", "said"),
    [
        (400, b'{"error":{"message":"too long"}}', 400, "too long"),
        (404, b"no", 404, "The engine answered with status 404."),
        (200, b'{"error":{"message":"full","code":503}}', 502, "full"),
        (200, b'{"data":[]}', 502, "cannot be translated"),
        (200, b"<html>", 502, "cannot be translated"),
    ],
)
def test_an_error_is_told_in_ollamas_shape(
    status: int, body: bytes, wanted: int, said: str
) -> None:
    answer = translated(b'{"model":"m","input":"a"}').answer

    told = json.loads(answer.whole(status, body))

    assert answer.status == wanted
    assert said in told["error"]
    assert answer.failure
