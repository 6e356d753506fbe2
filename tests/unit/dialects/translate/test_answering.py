"""How the engine's stream is read, shown with the plainest caller: Ollama's."""

import orjson
import pytest

from proxy.dialects.translate.answering import CUT, UNREADABLE
from proxy.dialects.translate.ollama_answer import OllamaAnswer
from tests.fixtures.translate import clients, upstream
from tests.fixtures.translate.upstream import DONE, call, event, plain, stream, usage


def make() -> OllamaAnswer:
    return OllamaAnswer("r1", 0.0, model="m")


def test_what_is_known_of_an_answer() -> None:
    answer = make()
    answer.feed(stream(event({"content": "a"})))

    assert (answer.tokens_in, answer.tokens_out) == (20, 7)
    assert (answer.finish, answer.done, answer.failure, answer.status) == ("stop", True, "", 200)


def test_comments_and_other_choices_are_passed_over() -> None:
    answer = make()
    other = event({"content": "b"}).replace(b'"index":0', b'"index":1')
    out = answer.feed(b": ping\n\n" + event({"content": "a"}) + other)

    assert [line["message"]["content"] for line in clients.lines(out)] == ["a"]


def test_the_end_needs_a_marker_or_a_reason() -> None:
    with_reason, with_marker, neither, nothing = make(), make(), make(), make()
    with_reason.feed(event({"content": "a"}, finish_reason="stop"))
    with_marker.feed(event({"content": "a"}) + DONE)
    neither.feed(event({"content": "a"}))
    nothing.feed(DONE)

    assert clients.lines(with_reason.end())[-1]["done"]
    assert clients.lines(with_marker.end())[-1]["done"]
    assert clients.lines(neither.end())[-1]["error"] == CUT
    assert clients.lines(nothing.end())[-1]["error"] == CUT


def test_a_last_event_without_its_blank_line_counts() -> None:
    answer = make()
    answer.feed(event({"content": "a"}) + event(finish_reason="stop") + usage().rstrip(b"\n"))

    assert clients.lines(answer.end())[-1]["eval_count"] == 7


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'data: {"error":{"message":"too slow","code":503}}\n\n', "too slow"),
        (b'data: {"object":"error","message":"flat","code":400}\n\n', "flat"),
        (b"data: {oops\n\n", UNREADABLE),
        (b'data: {"choices":"none"}\n\n', UNREADABLE),
        (call(0, "f", "{}") + event({"content": "x"}) + call(0, arguments="{}"), "call of f"),
    ],
)
def test_an_answer_that_fails_says_so_once(data: bytes, said: str) -> None:
    answer = make()
    *_, last = clients.lines(answer.feed(data + event({"content": "after"})))

    assert said in last["error"]
    assert said in answer.failure
    assert answer.status >= 400
    assert answer.feed(event({"content": "more"})) == answer.end() == b""


@pytest.mark.parametrize("finish", ["abort", "error"])
def test_an_answer_the_engine_gave_up_is_no_answer(finish: str) -> None:
    streamed, whole = make(), make()
    streamed.feed(stream(event({"content": "a"}), finish=finish))
    whole.whole(200, plain({"content": "a"}, finish))

    assert "gave the answer up" in clients.lines(streamed.end())[-1]["error"]
    assert "gave the answer up" in whole.failure
    assert whole.status == 502


@pytest.mark.parametrize(
    ("status", "body", "said", "given"),
    [
        (200, b'{"error":{"message":"late","code":507}}', "late", 507),
        (200, b'  {"error":"late"}', "late", 502),
        (200, b"<html>", UNREADABLE, 502),
        (200, b'{"choices":[]}', UNREADABLE, 502),
        (500, b"oops", "oops", 500),
        (503, b"", "The engine answered with status 503.", 503),
    ],
)
def test_plain_answers_that_are_none(status: int, body: bytes, said: str, given: int) -> None:
    answer = make()
    answer.whole(status, body)

    assert (answer.failure, answer.status) == (said, given)


def test_the_callers_own_words_are_not_said_again() -> None:
    again = OllamaAnswer("r1", 0.0, model="m", prefill="Once ")
    whole = orjson.loads(again.whole(200, plain({"content": "Once upon a time"})))
    after = OllamaAnswer("r1", 0.0, model="m", prefill="Once ")
    other = orjson.loads(after.whole(200, plain({"content": "upon a time"})))

    assert whole["message"]["content"] == other["message"]["content"] == "upon a time"


def test_a_recorded_error_in_the_first_event() -> None:
    answer = make()
    (line,) = clients.lines(answer.feed(upstream.recorded("vllm-error.sse")))

    assert "currently busy" in line["error"]
    assert answer.status == 503


def test_a_timeout_is_told_as_one() -> None:
    answer = make()
    answer.broken("Nothing came for 60 s.", "idle_timeout")

    assert answer.status == 504
