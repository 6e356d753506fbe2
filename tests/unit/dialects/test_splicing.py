"""Splicing: what a client gets of a stream that one engine began and another one ended."""

from typing import Any

import msgspec
import pytest

from proxy.dialects.splicing import DONE, MAX_EVENT, Splice

TOP = {"id": "one", "object": "chat.completion.chunk", "created": 1, "model": "m"}
OTHER = {**TOP, "id": "two", "created": 2, "model": "native"}


def event(delta: object = None, top: Any = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": more.pop("finish", None)}
    choice |= more.pop("choice", {})
    return b"data: %b\n\n" % msgspec.json.encode({**(top or TOP), "choices": [choice], **more})


def text(said: str, **more: Any) -> bytes:
    return event({"content": said}, **more)


def usage(tokens_in: int, tokens_out: int, top: Any = None) -> bytes:
    counted = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": 99}
    return b"data: %b\n\n" % msgspec.json.encode({**(top or TOP), "choices": [], "usage": counted})


def read(data: bytes) -> list[dict[str, Any]]:
    return [
        msgspec.json.decode(part[6:]) for part in data.split(b"\n\n") if part.startswith(b"data: {")
    ]


def broken(*events: bytes, most: int | None = None) -> Splice:
    splice = Splice(1000, most)
    splice.feed(b"".join(events))
    splice.break_off()
    return splice


ROLE = event({"role": "assistant", "content": ""})


def test_events_of_the_first_engine_pass_byte_for_byte() -> None:
    said = b": hello\n\n" + ROLE + text("a") + text(" b", finish="stop") + DONE
    splice = Splice(1000)

    got = b"".join(splice.feed(said[at : at + 7]) for at in range(0, len(said), 7))

    assert got == said
    assert splice.done
    assert splice.finish == "stop"


def test_only_whole_events_pass() -> None:
    splice = Splice(1000)

    assert splice.feed(text("a") + text("b")[:30]) == text("a")
    splice.break_off()
    assert splice.said == "a"
    assert splice.feed(text("c")) == text("c")


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\r\r", b"\n\n"])
def test_events_may_end_as_the_standard_allows(end: bytes) -> None:
    splice = Splice(1000)

    splice.feed(text("a")[:-2] + end)

    assert splice.said == "a"


def test_a_continuation_is_one_stream_with_what_came_before() -> None:
    splice = broken(ROLE, text("one"), text(" two"))
    splice.resume()

    got = splice.feed(
        event({"role": "assistant", "content": ""}, OTHER)
        + event({"role": "assistant", "content": " three"}, OTHER)
        + text(" four", top=OTHER, finish="stop")
        + usage(12, 2, OTHER)
        + DONE
    )

    events = read(got)
    assert [{name: one[name] for name in TOP} for one in events] == [TOP] * 3
    assert events[0]["choices"][0]["delta"] == {"content": " three"}
    assert events[1]["choices"][0]["finish_reason"] == "stop"
    assert events[2]["usage"] == {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 99}
    assert got.endswith(DONE)
    assert (splice.tokens_in, splice.tokens_out) == (10, 4)
    assert splice.said == "one two three four"


def test_it_can_be_gone_on_with_more_than_once() -> None:
    splice = broken(text("one"))
    splice.resume()
    splice.feed(text(" two", top=OTHER))
    splice.break_off()
    splice.resume()

    splice.feed(text(" three", top=OTHER) + usage(5, 1, OTHER))

    assert splice.said == "one two three"
    assert (splice.tokens_in, splice.tokens_out) == (3, 3)


def test_white_space_is_not_told_and_not_repeated() -> None:
    splice = broken(text("one"), text(" \n"))
    assert splice.said == "one"
    splice.resume()

    got = splice.feed(text(" ", top=OTHER) + text("\n\ntwo", top=OTHER) + text(" x", top=OTHER))

    deltas = [one["choices"][0]["delta"]["content"] for one in read(got)]
    assert deltas == ["\ntwo", " x"]
    assert splice.said == "one \n\ntwo x"


def test_white_space_that_does_not_come_again_takes_nothing_away() -> None:
    splice = broken(text("one "))
    splice.resume()

    got = splice.feed(text("two", top=OTHER) + text(" x", top=OTHER))

    assert [one["choices"][0]["delta"]["content"] for one in read(got)] == ["two", " x"]


def test_where_nothing_was_said_usage_is_that_of_the_second() -> None:
    splice = broken(ROLE)
    assert splice.said == ""
    splice.resume()

    splice.feed(text("a", top=OTHER) + usage(7, 1, OTHER))

    assert (splice.tokens_in, splice.tokens_out) == (7, 1)


def test_a_text_completion_is_continued() -> None:
    top = {**TOP, "object": "text_completion"}
    splice = Splice(1000)
    one = {"index": 0, "text": "one", "finish_reason": None}
    first = b"data: %b\n\n" % msgspec.json.encode({**top, "choices": [one]})
    assert splice.feed(first) == first
    splice.resume()

    again = {**top, "id": "two", "choices": [{**one, "text": " two"}]}
    got = splice.feed(b"data: %b\n\n" % msgspec.json.encode(again))

    assert read(got)[0] == {**again, "id": "one"}
    assert splice.said == "one two"


@pytest.mark.parametrize(
    ("delta", "more", "word"),
    [
        ({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}, {}, "tool"),
        ({"function_call": {"name": "f"}}, {}, "tool"),
        ({"reasoning_content": "hm"}, {}, "reasoning"),
        ({"reasoning": "hm"}, {}, "reasoning"),
        ({"refusal": "no"}, {}, "refuses"),
        ({"audio": {"id": "x"}}, {}, "audio"),
        ({"content": "x"}, {"choice": {"index": 1}}, "choices"),
        ({"content": "x"}, {"choice": {"logprobs": {"content": [1]}}}, "probabilities"),
    ],
)
def test_what_is_more_than_text_is_an_objection(
    delta: dict[str, object], more: dict[str, Any], word: str
) -> None:
    splice = Splice(1000)
    assert splice.feed(text("a")) == text("a")
    assert splice.objection == ""

    said = event(delta, **more)

    assert splice.feed(said) == said
    assert word in splice.objection


@pytest.mark.parametrize("empty", [None, [], {}])
def test_fields_that_are_there_and_empty_are_none(empty: object) -> None:
    delta = {"content": "x", "tool_calls": empty, "reasoning_content": None, "audio": empty}
    splice = Splice(1000)

    splice.feed(event(delta))

    assert splice.objection == ""


def test_text_is_kept_up_to_a_limit() -> None:
    splice = Splice(4)
    assert splice.feed(text("four")) == text("four")
    assert splice.objection == ""

    assert splice.feed(text("!")) == text("!")

    assert "limits.continuation" in splice.objection
    assert splice.said == ""


def test_an_error_ends_the_part_of_its_engine_and_is_not_passed_on() -> None:
    splice = Splice(1000)

    got = splice.feed(text("a") + b'data: {"error":{"message":"boom"}}\n\n' + DONE)

    assert got == text("a")
    assert splice.error is not None
    assert splice.error.message == "boom"
    assert not splice.done


@pytest.mark.parametrize("reason", ["abort", "error", {"type": "abort"}])
def test_an_answer_given_up_by_its_engine_has_not_ended(reason: object) -> None:
    splice = Splice(1000)

    got = splice.feed(text("a") + event(finish=reason) + DONE)

    assert got == text("a")
    assert splice.error is not None
    assert not splice.complete


def test_an_event_without_end_is_an_error() -> None:
    splice = Splice(1000)

    splice.feed(b"data: " + b"x" * MAX_EVENT)

    assert splice.error is not None


def test_what_cannot_be_read_passes_and_cannot_be_gone_on_with() -> None:
    splice = Splice(1000)

    assert splice.feed(b"data: {nonsense\n\n") == b"data: {nonsense\n\n"
    assert "read" in splice.objection


def test_a_stream_with_its_reason_only_lacks_the_marker() -> None:
    splice = broken(text("a", finish="stop"))

    assert splice.complete
    assert splice.closing() == DONE
    assert splice.done


def test_a_text_at_its_limit_only_lacks_the_reason() -> None:
    splice = broken(text("a"), text(" b"), most=2)

    assert splice.complete
    closing = splice.closing()
    assert closing.endswith(DONE)
    assert read(closing) == [
        {**TOP, "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
    ]


def test_tokens_are_counted_by_events_unless_the_engine_counts_them() -> None:
    assert broken(ROLE, text("a"), text("b")).tokens == 2
    counted = {"prompt_tokens": 3, "completion_tokens": 5}
    assert broken(text("a"), text("b", usage=counted)).tokens == 5


def test_what_another_reader_has_heard_is_gone_on_from() -> None:
    splice = Splice(10, 4)
    splice.recall("one ", 3, 7)

    assert (splice.said, splice.tokens, splice.tokens_in) == ("one", 3, 7)
    assert not splice.complete
    splice.resume()
    assert read(splice.feed(text(" two")))[0]["choices"][0]["delta"]["content"] == "two"
    assert splice.complete
    splice.feed(text(" three"))
    assert "longer than is kept" in splice.objection
