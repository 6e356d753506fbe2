"""How the ends of streams are read."""

import pytest

from proxy.core import tail
from proxy.core.tail import Tail, read_tail, read_usage
from tests.fixtures.recorded import cut, framed, stream

DONE = (b"[DONE]",)
MESSAGES = (b"message_stop",)
RESPONSES = (b"response.completed", b"response.incomplete", b"response.failed", b"[DONE]")
OLLAMA = (b'"done":true',)


def whole(tokens_in: int | None = None, tokens_out: int | None = None) -> Tail:
    """Return the tail of a stream that ended well."""
    return Tail(done=True, finished=True, tokens_in=tokens_in, tokens_out=tokens_out)


RECORDED = {
    "vllm-chat": (DONE, whole()),
    "vllm-chat-usage": (DONE, whole(10, 12)),
    "vllm-messages": (MESSAGES, whole(10, 12)),
    "vllm-responses": (RESPONSES, whole(10, 12)),
    "sglang-chat-usage": (DONE, whole(10, 12)),
    "sglang-responses": (RESPONSES, whole(10, 10)),
    "sglang-ollama": (OLLAMA, whole()),
    "llama-chat-usage": (DONE, whole(10, 12)),
    "llama-messages": (MESSAGES, whole(None, 12)),
    "llama-responses": (RESPONSES, whole(10, 12)),
    "llama-python-empty": (DONE, Tail(done=False, finished=False)),
    "mlx-chat-usage": (DONE, whole(10, 12)),
    "vllm-mlx-chat": (DONE, whole(18008, 4)),
    "litellm-responses": (RESPONSES, whole(10, 16)),
    "litellm-messages": (MESSAGES, whole(10, 16)),
}


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("kept", [10**6, 1700])
def test_recorded_streams(name: str, kept: int) -> None:
    markers, expected = RECORDED[name]
    body = stream(name)[-kept:]

    pieces = cut(body, (len(body) - 5, len(body) - 19, len(body) - 21, len(body) - 400))
    assert read_tail(pieces, framed=name != "mlx-chat-usage", markers=markers) == expected


@pytest.mark.parametrize("name", ["vllm-queue-full", "sglang-queue-full"])
def test_an_error_before_a_clean_end_is_seen(name: str) -> None:
    found = read_tail([stream(name)], framed=True)

    assert found.done
    assert found.error is not None
    assert found.error.status == 503


@pytest.mark.parametrize("name", [n for n in RECORDED if n != "llama-python-empty"])
def test_a_recorded_stream_cut_anywhere_is_not_done(name: str) -> None:
    markers, _ = RECORDED[name]
    chunked = name != "mlx-chat-usage"
    body = stream(name)
    # The last event of the Responses and Ollama interfaces is the marker: cut inside it, too.
    end = body.rfind(b"[DONE]") if b"[DONE]" in body else body.rfind(b"}")

    done = [n for n in range(end) if read_tail([body[:n]], framed=chunked, markers=markers).done]

    if name == "litellm-responses":  # ends twice: with its event, then with [DONE]
        assert min(done) > body.rfind(b"response.completed")
    else:
        assert done == []


def test_the_common_ending_takes_the_short_way() -> None:
    for name in ("vllm-chat", "vllm-chat-usage", "llama-chat-usage", "sglang-chat-usage"):
        assert tail._glance(stream(name), framed=True) == RECORDED[name][1]
    assert tail._glance(stream("mlx-chat-usage"), framed=False) == RECORDED["mlx-chat-usage"][1]


@pytest.mark.parametrize(
    "text",
    [
        b'data: {"choices":[{"delta":{"content":"\\n\\ndata: [DONE]\\n\\n"}}]}\n\n',
        b'x","content":"data: [DONE]',
        b"data: [DONE]",  # alone: it may be the text of a model up to the cut
        b": data: [DONE]\n\n",
        b"data: [DONE\n\n",
        b'data: {"x":"[DONE]"}\n\n',
        b"event: [DONE]\n\n",
    ],
)
def test_the_marker_must_be_an_event_of_its_own(text: bytes) -> None:
    assert not read_tail([text], framed=False).done


@pytest.mark.parametrize(
    "text",
    [
        b"data: {}\n\ndata: [DONE]",
        b"data: {}\n\ndata:[DONE]\n",
        b"data: {}\r\n\r\ndata: [DONE]\r\n\r\n",
        b"data: {}\r\rdata: [DONE]\r\r",
        b"data: {}\n\n: bye\n\ndata: [DONE] \n\n: bye\n\n",
        b"id: 7\ndata: [DONE]\n\n",
    ],
)
def test_a_marker_in_any_style_is_one(text: bytes) -> None:
    assert read_tail([text], framed=False).done
    assert read_tail([framed([text])], framed=True).done


def test_a_marker_split_by_framing_is_found() -> None:
    wire = framed([b"data: {}\n\nda", b"ta: [DO", b"NE]\n", b"\n"])

    assert read_tail([wire[3:]], framed=True).done
    assert read_tail([framed([wire])], framed=True).done is False  # framed twice: not ours


def test_a_usage_split_by_framing_is_whole() -> None:
    event = b'data: {"usage":{"prompt_tokens":123,"completion_tokens":456}}\n\n'
    for place in range(len(event)):
        wire = framed([b"data: {}\n\n", event[:place], event[place:], b"data: [DONE]\n\n"])
        assert read_tail([wire], framed=True) == whole(123, 456)


def test_the_seam_that_leads_to_the_last_chunk_is_the_right_one() -> None:
    # Kept from the middle of a chunk on, in which a line looks like a size.
    rest = b"1\r\nbeef\r\ndata: 2\r\n\r\n\r\n"

    assert read_tail([rest + framed([b"data: [DO", b"NE]\r\n\r\n"])], framed=True).done


def test_usage_before_the_last_event_is_found() -> None:
    usage = b'data: {"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
    text = b"data: {}\n\n" + usage + b'data: {"choices":[]}\n\ndata: [DONE]\n\n'

    assert read_tail([text], framed=False) == whole(1, 2)


def test_chunk_extensions_and_trailers_are_passed_over() -> None:
    wire = b"a;x=1\r\ndata: {}\n\n\r\ne ; y\r\ndata: [DONE]\n\n\r\n0\r\nt: data\r\n\r\n"

    assert read_tail([wire], framed=True).done


def test_a_finish_reason_without_a_marker_is_finished_not_done() -> None:
    reason = b'data: {"choices":[{"finish_reason": "stop"}]}\n\n'

    assert read_tail([reason], framed=False) == Tail(done=False, finished=True)
    assert not read_tail([reason.replace(b'"stop"', b"null")], framed=False).finished


def test_without_markers_nothing_is_done() -> None:
    assert not read_tail([b"data: {}\n\ndata: [DONE]\n\n"], framed=False, markers=()).done
    assert read_tail([], framed=True) == Tail(done=False, finished=False)


def test_an_event_named_as_the_marker_needs_its_data() -> None:
    begin = b'event: message_delta\ndata: {"usage":{"output_tokens":3}}\n\nevent: message_stop\n'

    assert not read_tail([begin], framed=False, markers=MESSAGES).done
    assert not read_tail([begin + b'data: {"type":"mes'], framed=False, markers=MESSAGES).done
    ended = read_tail(
        [begin + b'data: {"type":"message_stop"}\n\n'], framed=False, markers=MESSAGES
    )
    assert ended == whole(None, 3)


def test_an_error_event_is_seen_by_its_name() -> None:
    text = b'data: {"a":1}\n\nevent: error\ndata: {"message":"gone"}\n\ndata: [DONE]\n\n'
    found = read_tail([text], framed=False)

    assert found.error is not None
    assert found.error.message == "gone"


def test_a_last_event_larger_than_what_was_kept_is_known_by_its_usage() -> None:
    event = (
        b'event: response.completed\ndata: {"type":"response.completed","response":{"text":"'
        + b"word " * 2000
        + b'","usage":{"input_tokens":5,"output_tokens":2000}}}\n\n'
    )

    kept = event[-4096:]
    assert read_tail([kept], framed=False, markers=RESPONSES) == whole(5, 2000)
    assert not read_tail([kept[:-3]], framed=False, markers=RESPONSES).done
    assert not read_tail([kept], framed=False, markers=DONE).done


def test_done_inside_a_tool_call_is_not_the_end_of_ndjson() -> None:
    call = b'{"message":{"tool_calls":[{"function":{"arguments":{"done":true}}}]},"done":false}\n'
    last = b'{"done": true,"done_reason":"stop","prompt_eval_count":11,"eval_count":18}\n'

    assert not read_tail([call], framed=False, markers=OLLAMA).done
    assert read_tail([call, last], framed=False, markers=OLLAMA) == whole(11, 18)
    assert read_tail([framed([call, last])], framed=True, markers=OLLAMA) == whole(11, 18)
    assert not read_tail([call, last[:-2]], framed=False, markers=OLLAMA).done


def test_an_error_line_of_ndjson_is_seen() -> None:
    found = read_tail([b'{"done":false}\n{"error":"gone"}\n'], framed=False, markers=OLLAMA)

    assert not found.done
    assert found.error is not None
    assert found.error.message == "gone"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"usage":{"prompt_tokens":10,"total_tokens":22,"completion_tokens":12}}', (10, 12)),
        (b'{"usage": {"completion_tokens" : 12, "prompt_tokens" : 10 }}', (10, 12)),
        (b'{"data":[],"usage":{"prompt_tokens":8,"total_tokens":8}}', (8, None)),
        (b'{"usage":{"input_tokens":10,"output_tokens":12}}', (10, 12)),
        (
            (
                b'{"usage":{"cache_read_input_tokens":9,"input_tokens":1,"output_tokens":12,'
                b'"cache_creation_input_tokens":100}}'
            ),
            (110, 12),
        ),
        (b'{"usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":4}}}', (5, None)),
        (b'{"done":true,"prompt_eval_count":11,"eval_count":18}', (11, 18)),
        (b'{"done":true,"eval_count":18}', (None, 18)),
        (b'{"usage":null}', (None, None)),
        (b'{"content":"\\"usage\\":{\\"prompt_tokens\\":1}"}', (None, None)),
        (b'{"usage":{"prompt_tokens":1', (None, None)),
        (b'{"usage":{"prompt_tokens":-1}}', (None, None)),
        (b"", (None, None)),
    ],
)
def test_usage_in_every_dialect(body: bytes, expected: tuple[int | None, int | None]) -> None:
    assert read_usage(body) == expected


def test_usage_is_read_from_the_last_part_of_a_large_answer() -> None:
    body = b'{"usage":{"prompt_tokens":7,"completion_tokens":9},"tools":[{"usage":{"type":"x"}}]}'

    assert read_usage(b"..." + body) == (7, 9)
