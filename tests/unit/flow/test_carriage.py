"""Carriage: a call is translated for the engine that needs it, in every attempt anew."""

import json

import pytest

from proxy.core.failure import Failure, Kind
from proxy.dialects.registry import engine
from proxy.flow import carriage
from tests.fixtures.course import World
from tests.fixtures.ends import LAST, SSE, EngineEnd, FakeClient, chunk, plain, stream, token

MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"
HELLO = b'"messages":[{"role":"user","content":"hi"}]'
ASKED = b'{"model":"m","max_tokens":5,%b}' % HELLO
STREAMED = b'{"model":"m","max_tokens":5,"stream":true,%b}' % HELLO
STOP = (
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
)
ANSWER = (
    b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Yes"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}'
)


def mixed(first: str, second: str, native: str = "") -> World:
    """Return a world whose backend a is of the first kind and b of the second."""
    world = World("ab", native=native)
    for name, kind in (("a", first), ("b", second)):
        world.course.sides[world.backends[name]].recognised(engine(kind))
    return world


def sent(end: EngineEnd) -> tuple[bytes, dict[str, object]]:
    """Return the request line and the body of the last request."""
    head, _, body = end.asked[end.asked.rindex(b"POST ") :].partition(b"\r\n\r\n")
    return head.partition(b" HTTP")[0], json.loads(body)


def test_a_plain_call_is_translated_both_ways_under_the_names_of_both_sides() -> None:
    world = World("a", kind="tgi", native="org/m")
    client, end = world.asked("a", path=MESSAGES, body=ASKED)

    line, body = sent(end)
    assert line == b"POST /v1/chat/completions"
    assert (body["model"], body["stream"]) == ("org/m", False)

    end.send(plain(ANSWER))
    answer = client.answer
    assert answer.complete
    assert answer.fields["content-type"] == "application/json"
    said = json.loads(answer.body)
    assert (said["type"], said["model"]) == ("message", "m")
    assert said["content"] == [{"type": "text", "text": "Yes"}]
    assert (client.call.tokens_in, client.call.tokens_out) == (3, 1)
    world.assert_at_rest()


def test_a_second_engine_of_the_callers_dialect_gets_the_bytes_as_they_came() -> None:
    world = mixed("tgi", "vllm")
    client, end = world.asked("a", path=MESSAGES, body=STREAMED)
    end.send(plain(b'{"error":"Model is overloaded","error_type":"overloaded"}', 429))
    world.pass_time(0.3)
    second = world.reached("b")

    assert second.asked.endswith(STREAMED)
    said = b'event: message_start\ndata: {"type":"message_start"}\n\n'
    over = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    second.send(SSE + chunk(said) + chunk(over) + LAST)
    assert client.answer.body == said + over
    assert client.end == "--"


def test_a_second_engine_of_another_dialect_gets_a_translation() -> None:
    world = mixed("vllm", "tgi")
    client, end = world.asked("a", path=MESSAGES, body=STREAMED)
    assert end.asked.endswith(STREAMED)
    end.send(plain(b"{}", 503))
    world.pass_time(0.3)

    second = world.reached("b")
    assert sent(second)[0] == b"POST /v1/chat/completions"
    second.send(stream(token("Yes"), STOP))

    events = [line for line in client.answer.body.split(b"\n") if line.startswith(b"event: ")]
    assert events[0] == b"event: message_start"
    assert events[-1] == b"event: message_stop"
    assert client.answer.complete
    world.assert_at_rest()


def test_an_engine_that_lacks_the_path_of_its_kind_is_asked_again_by_translation() -> None:
    world = World("a")
    client, end = world.asked("a", path=MESSAGES, body=ASKED)
    end.send(plain(b'{"detail":"Not Found"}', 404))
    again = world.reached("a")

    assert sent(again)[0] == b"POST /v1/chat/completions"
    again.send(plain(ANSWER))
    assert client.answer.status == 200
    assert client.call.attempts == 2

    _, third = FakeClient(), world.ask(path=MESSAGES, body=ASKED)
    assert third.call.attempts == 1
    assert sent(again)[0] == b"POST /v1/chat/completions"


def test_what_cannot_be_carried_is_refused_in_the_callers_dialect() -> None:
    body = b'{"model":"m","max_tokens":5,"container":"x",%b}' % HELLO
    client = World("a", kind="tgi").ask(path=MESSAGES, body=body)

    assert client.answer.status == 400
    said = json.loads(client.answer.body)
    assert said["error"]["type"] == "invalid_request_error"
    assert "`container` cannot be carried" in said["error"]["message"]
    assert client.call.end == "CR"


def test_what_cannot_be_carried_goes_to_the_engine_that_speaks_it() -> None:
    body = b'{"model":"m","max_tokens":5,"container":"x",%b}' % HELLO
    world = mixed("tgi", "vllm")

    world.ask(path=MESSAGES, body=body)

    assert not world.pools["a"].dials
    assert world.reached("b").asked.endswith(body)


def test_a_request_that_asks_nothing_is_answered_at_once() -> None:
    client = World("a").ask(path="/api/generate", body=b'{"model":"m"}')

    assert client.answer.status == 200
    assert json.loads(client.answer.body)["done_reason"] == "load"
    assert (client.end, client.ended) == ("--", [True])


def test_tokens_are_estimated_where_no_engine_counts_them() -> None:
    client = World("a", kind="tgi").ask(path=COUNT, body=b'{"model":"m",%b}' % HELLO)

    assert json.loads(client.answer.body)["input_tokens"] > 0
    assert "x-headrace-estimate" in client.answer.fields


def test_an_old_engine_without_counting_is_asked_for_its_tokens_or_spoken_for() -> None:
    for kind in ("vllm", "sglang"):
        world = World("a", kind=kind)
        client, end = world.asked("a", path=COUNT, body=b'{"model":"m",%b}' % HELLO)
        end.send(plain(b'{"detail":"Not Found"}', 404))
        again = world.reached("a")
        if kind == "vllm":
            assert sent(again)[0] == b"POST /tokenize"
            again.send(plain(b'{"count":7,"max_model_len":100,"tokens":[1]}'))
            assert json.loads(client.answer.body) == {"input_tokens": 7}
        else:
            assert "x-headrace-estimate" in client.answer.fields
        world.assert_at_rest()


@pytest.mark.parametrize("stream", [True, False])
def test_an_engines_error_is_told_in_the_callers_dialect(stream: bool) -> None:
    world = World("a", kind="tgi")
    client, end = world.asked("a", path=MESSAGES, body=STREAMED if stream else ASKED)

    end.send(plain(b'{"error":"prompt too long","error_type":"validation"}', 422))

    assert client.answer.status == 422
    said = json.loads(client.answer.body)
    assert said["type"] == "error"
    assert said["error"]["message"] == "prompt too long."


def test_of_equal_backends_the_one_that_speaks_the_dialect_is_taken() -> None:
    world = mixed("tgi", "vllm")
    for backend in world.backends.values():
        backend.priority = 0

    world.ask(path=MESSAGES, body=ASKED)
    assert world.pools["b"].dials

    world.ask(path=MESSAGES, body=ASKED)  # b has work now: a is better, if translated
    assert world.pools["a"].dials


def test_a_plain_call_is_gathered_from_a_stream_where_that_is_needed() -> None:
    world = World("a", kind="llamacpp", native="org/m")
    client, end = world.asked("a", body=b'{"model":"m","n":1}')

    line, body = sent(end)
    assert line == b"POST /v1/chat/completions"
    assert (body["model"], body["stream"], body["n"]) == ("org/m", True, 1)
    end.send(stream(token("Yes"), STOP))

    said = json.loads(client.answer.body)
    assert said["choices"][0]["message"]["content"] == "Yes"
    assert client.answer.fields["content-type"] == "application/json"
    assert client.call.tokens_out == 1


def test_an_engine_that_became_another_kind_meanwhile_fails_softly() -> None:
    world = World("a", kind="tgi")
    client = world.ask(path="/api/embed", body=b'{"model":"m","input":"x"}')
    assert client.refusals[0].kind is Kind.UNKNOWN_PATH

    world = World("a")
    client = world.ask(path="/api/embed", body=b'{"model":"m","input":"x"}')
    world.course.sides[world.backends["a"]].recognised(engine("tgi"))
    world.reached("a")

    assert client.answer.status == 404
    world.assert_at_rest()


def test_a_model_is_shown_by_its_engine_or_from_what_is_known() -> None:
    world = mixed("vllm", "ollama")
    body = b'{"model":"m"}'
    assert world.asked("b", path="/api/show", body=body)[1].asked.endswith(body)

    client = World("a").ask(path="/api/show", body=body)
    assert json.loads(client.answer.body)["model_info"]["general.basename"] == "m"


@pytest.mark.parametrize("kind", ["vllm", "tgi"])
def test_a_turn_of_a_thread_is_refused_whatever_the_engine_speaks(kind: str) -> None:
    world = World("a", kind=kind)
    client, _ = world.asked("a", path=MESSAGES, body=ASKED)
    assert client.attempts is not None
    targets, call = client.attempts.targets, client.call
    course = world.course

    assert carriage.prepared(course, call, targets, threads=True) is targets
    call.body = ASKED[:-1] + b',"thread":{"type":"create"}}'
    refused = carriage.prepared(course, call, targets, threads=True)

    assert isinstance(refused, Failure)
    assert (refused.kind, refused.param) == (Kind.BAD_REQUEST, "thread")
