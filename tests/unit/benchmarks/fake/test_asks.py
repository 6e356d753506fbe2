"""What a request asks for."""

import msgspec
import pytest

from benchmarks.fake.asks import read_chat, read_embedding, read_text


def test_the_prompt_of_a_chat_is_the_text_of_all_messages() -> None:
    body = (
        b'{"model":"m","messages":[{"role":"system","content":"be kind"},'
        b'{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url"}]},'
        b'{"role":"assistant","content":null}],"temperature":0.5}'
    )

    ask = read_chat(body, 16)

    assert ask.prompt == "be kind\nhi\n"
    assert (ask.model, ask.stream, ask.usage) == ("m", False, False)


@pytest.mark.parametrize(
    ("wanted", "total", "reason"),
    [
        (b"", 16, "stop"),
        (b',"max_tokens":5', 5, "length"),
        (b',"max_completion_tokens":6,"max_tokens":5', 6, "length"),
        (b',"max_tokens":50', 16, "stop"),
        (b',"max_tokens":50,"ignore_eos":true', 50, "length"),
    ],
)
def test_how_long_an_answer_gets(wanted: bytes, total: int, reason: str) -> None:
    ask = read_text(b'{"prompt":"hi"' + wanted + b"}", 16)

    assert (ask.total, ask.finish_reason) == (total, reason)


def test_prompts_of_token_ids_and_usage() -> None:
    ask = read_text(b'{"prompt":[1,2],"stream":true,"stream_options":{"include_usage":true}}', 16)

    assert ask.prompt == "1 2"
    assert ask.stream
    assert ask.usage


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"max_tokens":0}', b'{"messages":7}'])
def test_what_is_no_request_is_an_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_chat(body, 16)


def test_embeddings_take_one_text_or_many() -> None:
    assert read_embedding(b'{"input":"a"}').inputs() == ["a"]
    assert read_embedding(b'{"input":["a","b"]}').inputs() == ["a", "b"]
