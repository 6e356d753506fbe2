"""Counting: asked of a tokenizer, or estimated, and refused like the request it counts."""

import json

import pytest

from proxy.dialects.registry import engine
from proxy.dialects.translate.base import Refusal, Settled, Translated
from proxy.dialects.translate.counting import ESTIMATED, estimate, request, tokenizer

BODY = (
    b'{"model":"m","system":"Be brief.","messages":[{"role":"user","content":"hi"}],'
    b'"tools":[{"name":"f","input_schema":{"type":"object"}}],"thinking":{"type":"disabled"}}'
)


def counted(body: bytes, *, tokenizer: bool) -> Translated | Settled | Refusal:
    return request(body, tokenizer, request_id="id-1", created=0.0)


def test_a_tokenizer_is_shown_what_the_model_would_be() -> None:
    made = counted(BODY, tokenizer=True)

    assert isinstance(made, Translated)
    assert made.path == "/tokenize"
    asked = json.loads(made.body)
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert asked["tools"][0]["function"]["name"] == "f"
    assert asked["add_generation_prompt"] is True
    assert set(asked) == {
        "model",
        "messages",
        "tools",
        "chat_template_kwargs",
        "add_generation_prompt",
    }
    assert made.answer.whole(200, b'{"count":42,"tokens":[1]}') == b'{"input_tokens":42}'
    assert made.answer.tokens_in == 42


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (400, b'{"error":{"message":"no"}}', 400),
        (200, b'{"tokens":1}', 502),
        (200, b'{"error":"x"}', 502),
        (500, b"", 500),
    ],
)
def test_what_the_tokenizer_refuses_is_an_error(status: int, body: bytes, wanted: int) -> None:
    made = counted(BODY, tokenizer=True)
    assert isinstance(made, Translated)

    told = json.loads(made.answer.whole(status, body))

    assert made.answer.status == wanted
    assert told["type"] == "error"


def test_an_estimate_says_that_it_is_one() -> None:
    made = counted(BODY, tokenizer=False)

    assert isinstance(made, Settled)
    assert made.fields == ESTIMATED
    assert 10 <= json.loads(made.body)["input_tokens"] <= 60


def test_an_estimate_counts_bytes_images_and_calls() -> None:
    small = {"messages": [{"role": "user", "content": "x" * 400}]}
    picture = {"type": "image_url", "image_url": {"url": "data:" + "y" * 100_000}}
    text = {"type": "text", "text": "x" * 400}
    seen = {"messages": [{"role": "user", "content": [text, picture]}]}
    called = {"messages": [{"content": None, "tool_calls": [{"id": "x" * 100}]}]}

    assert estimate(small) == 104
    assert estimate(seen) == 1104
    assert estimate(called) > 25


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"model":"m","messages":[],"container":"x"}', "container"),
        (b'{"model":"m","messages":[{"role":"user","content":[{"type":"x"}]}]}', "messages"),
        (b"[1]", ""),
        (b"{", ""),
    ],
)
@pytest.mark.parametrize("tokenizer", [True, False])
def test_what_could_not_be_answered_is_not_counted(
    body: bytes, param: str, tokenizer: bool
) -> None:
    made = counted(body, tokenizer=tokenizer)

    assert isinstance(made, Refusal)
    assert made.param.startswith(param)


def test_a_profile_says_whether_its_tokenizer_takes_messages() -> None:
    assert tokenizer(engine("vllm").profile)
    assert not tokenizer(engine("sglang").profile)
    assert not tokenizer(engine("ollama").profile)
