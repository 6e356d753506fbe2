"""Continuing: a stream that breaks off goes on at another engine, and its client never knows."""

from typing import Any

import msgspec
import pytest

from proxy.settings.schema import Timeouts
from tests.fixtures.continuing import (
    EOF_SSE,
    HI,
    STOP,
    TEXT,
    USAGE,
    again,
    begun,
    body,
    events,
    request_of,
    rest,
    said,
)
from tests.fixtures.course import World
from tests.fixtures.ends import (
    CHAT,
    DONE,
    LAST,
    ROLE,
    SSE,
    chunk,
    plain,
    token,
)


@pytest.mark.parametrize("http10", [False, True])
@pytest.mark.parametrize("half", [b"", chunk(token("lost"))[:25], b"1"])
def test_the_client_of_a_killed_engine_gets_one_whole_stream(http10: bool, half: bytes) -> None:
    world, client, end = begun(http10=http10)
    end.send(*([half] if half else []))
    end.reset()

    other = again(world)
    other.send(rest(" three", " four"))

    assert client.end == "--"
    assert client.answer.complete
    assert client.answer.body.endswith(DONE)
    assert said(client) == "one two three four"
    assert client.answer.body.count(b'"role"') == 1
    assert (client.call.continued, client.call.attempts) == (1, 2)
    assert request_of(other)["messages"] == [HI, {"role": "assistant", "content": "one two"}]
    assert b"content-length: %d\r\n" % len(other.asked.partition(b"\r\n\r\n")[2]) in other.asked
    world.assert_at_rest()
    assert world.backends["a"].breaker.run == 1
    assert world.backends["b"].breaker.run == 0


def test_a_stream_that_ends_well_is_what_the_engine_sent() -> None:
    world, client, end = begun()
    end.send(chunk(STOP), chunk(USAGE) + chunk(DONE) + LAST)

    assert client.end == "--"
    assert client.answer.complete
    assert client.answer.body == ROLE + token("one") + token(" two") + STOP + USAGE + DONE
    assert (client.call.tokens_in, client.call.tokens_out) == (9, 2)
    assert client.call.continued == 0
    world.assert_at_rest()


def test_usage_is_that_of_the_whole() -> None:
    world, client, end = begun(body=body(stream_options={"include_usage": True}, max_tokens=7))
    end.reset()
    other = again(world)
    other.send(rest(" three")[: -len(chunk(DONE) + LAST)], chunk(USAGE), chunk(DONE) + LAST)

    assert events(client)[-1]["usage"] == {"prompt_tokens": 7, "completion_tokens": 4}
    assert (client.call.tokens_in, client.call.tokens_out) == (7, 4)
    asked = request_of(other)
    assert asked["max_tokens"] == 5
    assert asked["stream_options"] == {"include_usage": True}


def test_an_error_inside_the_stream_is_gone_on_from() -> None:
    world, client, end = begun()
    end.send(chunk(b'data: {"error":{"message":"boom","code":500}}\n\n'))
    assert end.gone
    again(world).send(rest(" three"))

    assert said(client) == "one two three"
    assert client.end == "--"
    assert b"boom" not in client.raw


def test_a_stream_that_ends_without_its_marker_is_gone_on_with() -> None:
    world, client, end = begun()
    end.send(LAST)
    again(world).send(rest(" three"))

    assert said(client) == "one two three"
    assert client.end == "--"
    world.assert_at_rest()


def test_a_silent_engine_is_left_for_another() -> None:
    world = World("ab", timeouts=Timeouts(idle=5.0))
    world, client, end = begun(world=world)
    world.pass_time(7.0)
    assert end.gone
    world.reached("b").send(rest(" three"))

    assert said(client) == "one two three"
    assert client.end == "--"


def test_an_engine_that_frames_otherwise_can_go_on() -> None:
    world, client, end = begun()
    end.reset()
    other = again(world)
    other.send(EOF_SSE, ROLE, token(" three"), STOP, DONE)
    other.close()

    assert said(client) == "one two three"
    assert client.end == "--"
    assert client.answer.complete


def test_before_any_text_the_request_itself_is_sent_again() -> None:
    world, client, end = begun(ROLE)
    end.reset()
    other = again(world)
    assert request_of(other) == msgspec.json.decode(body())
    assert not client.call.first_token_at
    other.send(rest("one"))

    assert client.call.first_token_at == world.time
    assert said(client) == "one"
    assert client.answer.body.count(b'"role"') == 1


def test_the_first_token_keeps_its_time() -> None:
    world, client, end = begun()
    first = client.call.first_token_at
    world.pass_time(1.0)
    end.reset()
    again(world).send(rest(" three"))

    assert first
    assert client.call.first_token_at == first


def test_a_text_that_only_lacks_its_marker_needs_no_other_engine() -> None:
    world, client, end = begun(token("one"), STOP)
    end.reset()

    assert client.end == "--"
    assert client.answer.body == token("one") + STOP + DONE
    assert client.answer.complete
    assert world.backends["a"].breaker.run == 1
    assert not world.pools["b"].dials
    world.assert_at_rest()


def test_a_stream_that_only_lacks_the_end_of_its_framing_is_ended() -> None:
    world, client, end = begun(token("one"), STOP, DONE)
    end.reset()

    assert client.end == "--"
    assert client.answer.body == token("one") + STOP + DONE
    assert client.answer.complete
    world.assert_at_rest()


def test_a_text_at_its_limit_gets_the_reason() -> None:
    world, client, end = begun(body=body(max_tokens=2))
    end.reset()

    assert client.end == "--"
    assert events(client)[-1]["choices"][0]["finish_reason"] == "length"
    world.assert_at_rest()


def test_completions_go_on_at_the_end_of_their_prompt() -> None:
    def piece(text: str) -> bytes:
        one = {"index": 0, "text": text, "finish_reason": None}
        return b"data: %b\n\n" % msgspec.json.encode({"id": "x", "choices": [one]})

    asked: dict[str, Any] = {"path": TEXT, "body": body(prompt="Once")}
    world, client, end = begun(piece(" upon"), piece(" a"), **asked)
    end.reset()
    other = again(world)
    other.send(SSE, chunk(piece(" time")), chunk(DONE) + LAST)

    assert request_of(other)["prompt"] == "Once upon a"
    assert [one["choices"][0]["text"] for one in events(client)] == [" upon", " a", " time"]
    assert client.end == "--"


@pytest.mark.parametrize("path", ["/api/chat", "/v1/messages", "/v1/responses"])
def test_a_translated_stream_goes_on_in_the_callers_dialect(path: str) -> None:
    world = World("ab", kind="llamacpp" if path == "/api/chat" else "ollama")
    for side in world.course.sides.values():
        side.lacks.add(path)  # an older version
    asked: dict[str, Any] = {"model": "m", "stream": True, "max_tokens": 9, "messages": [HI]}
    if path == "/v1/responses":
        asked = {"model": "m", "stream": True, "input": "hi"}
    elif path == "/api/chat":
        del asked["max_tokens"]
    world, client, end = begun(world=world, path=path, body=msgspec.json.encode(asked))
    end.reset()
    other = again(world)
    other.send(rest(" three"))

    assert client.end == "--"
    assert client.answer.complete
    assert b" three" in client.answer.body
    assert request_of(other)["messages"][-1]["content"] == "one two"
    assert b"error" not in client.answer.body.replace(b'"error":null', b"")
    world.assert_at_rest()


def test_a_slow_client_keeps_the_next_engine_waiting() -> None:
    world, client, end = begun()
    end.reset()
    assert client.attempts is not None
    client.attempts.client_paused()
    other = again(world)
    other.send(SSE + chunk(token(" three")))
    assert other.wire.paused
    client.attempts.client_resumed()
    other.send(chunk(STOP) + chunk(DONE) + LAST)

    assert said(client) == "one two three"
    assert client.end == "--"


def test_it_goes_on_again_after_another_failure() -> None:
    world = World("abc")
    world, client, end = begun(world=world)
    end.send(chunk(b'data: {"error":{"message":"boom","code":500}}\n\n'))
    second = again(world)
    second.send(SSE + chunk(token(" three")))
    second.reset()
    again(world, "c").send(rest(" four"))

    assert said(client) == "one two three four"
    assert client.call.continued == 2
    world.assert_at_rest()


def test_plain_answers_are_not_kept() -> None:
    world = World("ab")
    client, end = world.asked("a", continues=True, body=b'{"model":"m","messages":[]}')
    end.send(plain(b'{"choices":[]}'))
    assert client.end == "--"
    world.assert_at_rest()

    world = World("ab")
    client, end = world.asked("a", continues=True, body=body())
    end.send(plain(b'{"choices":[]}'))  # an engine that streams nothing

    assert client.end == "--"
    assert client.answer.body == b'{"choices":[]}'
    world.assert_at_rest()


def test_a_stream_that_arrives_at_once_is_whole() -> None:
    world = World("ab")
    client, end = world.asked("a", continues=True, body=body())
    end.send(SSE + chunk(token("one")) + chunk(STOP) + chunk(DONE) + LAST)

    assert client.end == "--"
    assert client.answer.body == token("one") + STOP + DONE
    assert client.call.path == CHAT
    world.assert_at_rest()
