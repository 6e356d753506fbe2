"""What a request asks for, whatever API it comes through."""

import msgspec
import pytest

from benchmarks.fake.asks import read, read_embedding
from benchmarks.fake.looks.look import Api
from benchmarks.fake.words import answer_text, count_tokens


def test_the_prompt_of_a_chat_is_the_text_of_all_messages() -> None:
    body = (
        b'{"model":"m","messages":[{"role":"system","content":"be kind"},'
        b'{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url"}]},'
        b'{"role":"assistant","content":null}],"temperature":0.5}'
    )

    ask = read(Api.CHAT, body)

    assert ask.prompt == "be kind\nhi\n"
    assert (ask.model, ask.stream, ask.usage) == ("m", False, False)


@pytest.mark.parametrize(
    ("api", "body", "prompt"),
    [
        (Api.TEXT, b'{"prompt":"hi"}', "hi"),
        (Api.TEXT, b'{"prompt":[1,2]}', "1 2"),
        (Api.RESPONSES, b'{"input":"hi","instructions":"be kind"}', "be kind\nhi"),
        (
            Api.RESPONSES,
            b'{"input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}]}',
            "hi",
        ),
        (
            Api.MESSAGES,
            (
                b'{"system":[{"type":"text","text":"be kind"}],'
                b'"messages":[{"role":"user","content":"hi"}],"max_tokens":5}'
            ),
            "be kind\nhi",
        ),
        (Api.OLLAMA_CHAT, b'{"messages":[{"role":"user","content":"hi"}]}', "hi"),
        (Api.OLLAMA_GENERATE, b'{"prompt":"hi","system":"be kind "}', "be kind hi"),
    ],
)
def test_where_the_prompt_stands(api: Api, body: bytes, prompt: str) -> None:
    assert read(api, body).prompt == prompt


@pytest.mark.parametrize(
    ("api", "body", "limit"),
    [
        (Api.CHAT, b'{"max_completion_tokens":6,"max_tokens":5}', 6),
        (Api.RESPONSES, b'{"max_output_tokens":7}', 7),
        (Api.OLLAMA_CHAT, b'{"options":{"num_predict":8}}', 8),
        (Api.OLLAMA_CHAT, b'{"options":{"num_predict":-1}}', None),
        (Api.CHAT, b"{}", None),
    ],
)
def test_where_the_limit_stands(api: Api, body: bytes, limit: int | None) -> None:
    assert read(api, body).wish.limit == limit


def test_ollama_streams_unless_told_otherwise_and_an_empty_prompt_only_loads() -> None:
    assert read(Api.OLLAMA_CHAT, b"{}").stream
    assert not read(Api.OLLAMA_CHAT, b'{"stream":false}').stream
    assert not read(Api.CHAT, b"{}").stream
    assert read(Api.OLLAMA_GENERATE, b"{}").load_only == "load"
    assert read(Api.OLLAMA_GENERATE, b'{"keep_alive":0}').load_only == "unload"
    assert read(Api.OLLAMA_GENERATE, b'{"prompt":"x"}').load_only == ""


@pytest.mark.parametrize(
    "tool",
    [
        b'{"type":"function","function":{"name":"t","parameters":{"a":1}}}',
        b'{"type":"function","name":"t","parameters":{"a":1}}',
        b'{"name":"t","input_schema":{"a":1}}',
    ],
)
def test_tools_of_every_api_are_the_same_tool(tool: bytes) -> None:
    (found,) = read(Api.CHAT, b'{"tools":[' + tool + b"]}").wish.tools

    assert (found.name, found.schema) == ("t", {"a": 1})


@pytest.mark.parametrize(
    ("choice", "offered", "must"),
    [
        (b'"auto"', True, ""),
        (b'"none"', False, ""),
        (b'"required"', True, "*"),
        (b'{"type":"any"}', True, "*"),
        (b'{"type":"tool","name":"t"}', True, "t"),
        (b'{"type":"function","function":{"name":"t"}}', True, "t"),
    ],
)
def test_what_a_request_says_about_calling(choice: bytes, *, offered: bool, must: str) -> None:
    wish = read(Api.CHAT, b'{"tools":[{"name":"t"}],"tool_choice":' + choice + b"}").wish

    assert (bool(wish.tools), wish.must_call) == (offered, must)


@pytest.mark.parametrize(
    ("api", "last"),
    [
        (Api.CHAT, b'{"role":"tool","content":"4"}'),
        (Api.MESSAGES, b'{"role":"user","content":[{"type":"tool_result","content":[]}]}'),
    ],
)
def test_the_result_of_a_tool_is_noticed(api: Api, last: bytes) -> None:
    body = b'{"messages":[{"role":"user","content":"x"},' + last + b"]}"

    assert read(api, body).wish.after_result
    assert not read(api, b'{"messages":[{"role":"user","content":"x"}]}').wish.after_result
    given = b'{"input":[{"type":"function_call_output","call_id":"c","output":"4"}]}'
    assert read(Api.RESPONSES, given).wish.after_result


def test_usage_and_thoughts_can_be_asked_for() -> None:
    body = b'{"stream":true,"stream_options":{"include_usage":true},"think":true}'
    ask = read(Api.CHAT, body)

    assert (ask.stream, ask.usage, ask.wish.think) == (True, True, True)
    assert read(Api.MESSAGES, b'{"thinking":{"type":"enabled","budget_tokens":9}}').wish.think


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"max_tokens":0}', b'{"messages":7}'])
def test_what_is_no_request_is_an_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read(Api.CHAT, body)


def test_embeddings_take_one_text_or_many() -> None:
    assert read_embedding(b'{"input":"a"}').inputs() == ["a"]
    assert read_embedding(b'{"input":["a","b"]}').inputs() == ["a", "b"]
    assert read_embedding(b'{"prompt":"a"}').inputs() == ["a"]


BEGUN = {"role": "assistant", "content": answer_text("hi", 3)}
OTHER = {"role": "assistant", "content": "It is"}


@pytest.mark.parametrize(
    ("last", "more", "goes_on", "said"),
    [
        (BEGUN, {"continue_final_message": True}, False, 3),
        (BEGUN, {}, True, 3),
        (BEGUN, {}, False, 0),
        (OTHER, {}, True, 0),
        ({**BEGUN, "role": "user"}, {}, True, 0),
    ],
)
def test_the_beginning_of_an_answer_is_gone_on_with(
    last: dict[str, str], more: dict[str, object], *, goes_on: bool, said: int
) -> None:
    messages = [{"role": "user", "content": "hi"}, last]
    body = msgspec.json.encode({"messages": messages, **more})

    ask = read(Api.CHAT, body, goes_on=goes_on)

    assert ask.wish.said == said
    assert ask.prompt == ("hi" if said else f"hi\n{last['content']}")
    assert ask.prompt_tokens == (4 if said else count_tokens(ask.prompt))
