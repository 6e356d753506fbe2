"""What each API's events say."""

import msgspec
import pytest

from benchmarks.client.answers import complaint, reader
from benchmarks.client.target import Api


@pytest.mark.parametrize(
    ("api", "data", "text"),
    [
        (Api.CHAT, b'{"choices":[{"delta":{"role":"assistant","content":""}}]}', ""),
        (Api.CHAT, b'{"choices":[{"delta":{"content":"hi"}}]}', "hi"),
        (Api.CHAT, b'{"choices":[{"delta":{"reasoning":"hm","reasoning_content":"hm"}}]}', "hm"),
        (
            Api.CHAT,
            b'{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{"}}]}}]}',
            "f{",
        ),
        (Api.CHAT, b'{"choices":[{"message":{"content":"whole"}}]}', "whole"),
        (Api.CHAT, b'{"choices":[],"usage":{"prompt_tokens":1}}', ""),
        (Api.COMPLETIONS, b'{"choices":[{"text":" a"}]}', " a"),
        (
            Api.MESSAGES,
            b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}',
            "x",
        ),
        (Api.MESSAGES, b'{"type":"content_block_delta","delta":{"thinking":"t"}}', "t"),
        (Api.MESSAGES, b'{"type":"message","content":[{"type":"text","text":"w"}]}', "w"),
        (Api.MESSAGES, b'{"type":"ping"}', ""),
        (Api.RESPONSES, b'{"type":"response.output_text.delta","delta":"d"}', "d"),
        (Api.RESPONSES, b'{"type":"response.created","response":{"status":"in_progress"}}', ""),
        (
            Api.RESPONSES,
            b'{"status":"completed","output":[{"content":[{"type":"output_text","text":"w"}]}]}',
            "w",
        ),
        (Api.OLLAMA, b'{"message":{"role":"assistant","content":"o"},"done":false}', "o"),
        (Api.OLLAMA, b'{"message":{"content":"","thinking":"t"},"done":false}', "t"),
    ],
)
def test_text(api: Api, data: bytes, text: str) -> None:
    assert reader(api)(data).text == text


@pytest.mark.parametrize(
    ("api", "data", "finish", "tokens"),
    [
        (Api.CHAT, b'{"choices":[{"delta":{},"finish_reason":"stop"}]}', "stop", (None, None)),
        (
            Api.CHAT,
            b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}',
            "",
            (3, 4),
        ),
        (
            Api.MESSAGES,
            b'{"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":1}}}',
            "",
            (3, 1),
        ),
        (
            Api.MESSAGES,
            (
                b'{"type":"message_delta","delta":{"stop_reason":"max_tokens"},'
                b'"usage":{"output_tokens":4}}'
            ),
            "max_tokens",
            (None, 4),
        ),
        (
            Api.RESPONSES,
            (
                b'{"type":"response.completed","response":{"status":"completed",'
                b'"usage":{"input_tokens":3,"output_tokens":4}}}'
            ),
            "completed",
            (3, 4),
        ),
        (
            Api.OLLAMA,
            (
                b'{"message":{"content":""},"done":true,"done_reason":"length",'
                b'"prompt_eval_count":3,"eval_count":4}'
            ),
            "length",
            (3, 4),
        ),
    ],
)
def test_ends_and_usage(
    api: Api, data: bytes, finish: str, tokens: tuple[int | None, int | None]
) -> None:
    said = reader(api)(data)

    assert said.finish == finish
    assert (said.tokens_in, said.tokens_out) == tokens


@pytest.mark.parametrize(
    ("api", "data"),
    [
        (Api.CHAT, b"[DONE]"),
        (Api.MESSAGES, b'{"type":"message_stop"}'),
        (Api.RESPONSES, b'{"type":"response.incomplete","response":{"status":"incomplete"}}'),
        (Api.OLLAMA, b'{"done":true}'),
    ],
)
def test_the_mark_of_a_complete_stream(api: Api, data: bytes) -> None:
    assert reader(api)(data).over


@pytest.mark.parametrize(
    ("api", "data", "error"),
    [
        (Api.CHAT, b'{"error":{"message":"full","code":503}}', "full"),
        (Api.CHAT, b'{"error":"full"}', "full"),
        (Api.MESSAGES, b'{"type":"error","error":{"type":"x","message":"full"}}', "full"),
        (Api.RESPONSES, b'{"type":"error","message":"full"}', "full"),
        (
            Api.RESPONSES,
            b'{"type":"response.failed","response":{"status":"failed","error":{"message":"full"}}}',
            "full",
        ),
        (Api.OLLAMA, b'{"error":"full"}', "full"),
    ],
)
def test_errors_in_a_stream(api: Api, data: bytes, error: str) -> None:
    assert reader(api)(data).error == error


def test_stamps_stand_beside_the_rest() -> None:
    data = b'{"stamp_ns":7,"token":0,"taken_ns":5,"choices":[{"delta":{"content":"a"}}]}'
    said = reader(Api.CHAT)(data)

    assert (said.stamp_ns, said.token, said.taken_ns) == (7, 0, 5)


def test_what_is_no_event() -> None:
    with pytest.raises(msgspec.DecodeError):
        reader(Api.CHAT)(b"<html>")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"message":"no such model"}}', "no such model"),
        (b'{"detail":"Not Found"}', "Not Found"),
        (b"<html>\n  Gone\n</html>", "<html> Gone </html>"),
        (b"", ""),
        (b"x" * 900, "x" * 200),
    ],
)
def test_error_answers_in_words(body: bytes, words: str) -> None:
    assert complaint(body) == words
