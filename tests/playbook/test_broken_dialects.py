"""Streams in their client's own dialect that break off, and what is asked of whom then."""

from typing import Any

import msgspec
import pytest

from proxy.dialects.registry import engine
from tests.fixtures.continuing import HI, again, request_of
from tests.fixtures.course import World
from tests.fixtures.ends import LAST, SSE, EngineEnd, FakeClient, chunk, head
from tests.fixtures.retold import (
    MESSAGES,
    OLLAMA,
    PATHS,
    RESPONSES,
    asking,
    chat,
    chunk_of,
    names,
    native,
    read,
    shape,
    spent,
    words,
)

NDJSON = head(200, b"content-type: application/x-ndjson", b"transfer-encoding: chunked")
TEXTS = ["one", " two", " three"]


def begun(
    path: str, said: bytes, *, http10: bool = False, **more: object
) -> tuple[World, FakeClient, EngineEnd]:
    """Return a call whose engine, which speaks its dialect, has said this and no more."""
    world = World("ab", kind="ollama" if path == OLLAMA else "vllm")
    body = msgspec.json.encode(asking(path, "m", **more))
    client, end = world.asked("a", path=path, body=body, continues=True, http10=http10)
    end.send(NDJSON if path == OLLAMA else SSE, chunk(said))
    return world, client, end


def up_to(path: str, text: str) -> bytes:
    """Return an engine's stream up to the event that holds this text."""
    whole = native(path, TEXTS)
    end = b"\n" if path == OLLAMA else b"\n\n"
    return whole[: whole.rindex(end, 0, whole.index(text.encode())) + len(end)]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("half", [b"", b'data: {"type":"x'])
@pytest.mark.parametrize("http10", [False, True])
def test_the_rest_is_asked_as_a_chat_and_told_in_the_clients_dialect(
    path: str, half: bytes, http10: bool
) -> None:
    world, client, end = begun(path, up_to(path, " three"), http10=http10)
    end.send(*([chunk(half)] if half else []))
    end.reset()
    other = again(world)
    other.send(SSE + chunk(chat([" three"], 11)) + LAST)

    assert (client.end, client.call.continued, client.call.attempts) == ("--", 1, 2)
    assert client.answer.complete
    assert other.asked.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    asked = request_of(other)
    assert asked["messages"][-1] == {"role": "assistant", "content": "one two"}
    assert asked["max_tokens"] == 48
    found, undisturbed = read(path, client.answer.body), read(path, native(path, TEXTS))
    assert words(path, found) == "one two three"
    assert shape(path, found) == shape(path, undisturbed)
    assert names(path, found) == names(path, undisturbed)
    assert spent(path, found) == (9, 3)
    assert (client.call.tokens_in, client.call.tokens_out) == (9, 3)
    world.assert_at_rest()


@pytest.mark.parametrize("path", PATHS)
def test_it_goes_on_again_and_who_has_nobody_left_is_told_so(path: str) -> None:
    world, client, end = begun(path, up_to(path, " two"))
    end.send(LAST)  # without its end marker
    second = again(world)
    assert request_of(second)["messages"][-1]["content"] == "one"
    second.send(SSE + chunk(chunk_of({"content": " two"})))
    second.reset()
    world.pass_time(1.0)

    assert "not continued: " in told_by(path, client)
    assert words(path, read(path, client.answer.body)[:-1]) == "one two"
    assert client.call.continued == 1
    world.assert_at_rest()


@pytest.mark.parametrize("path", PATHS)
def test_a_text_at_its_limit_needs_no_other_engine(path: str) -> None:
    limits: dict[str, dict[str, Any]] = {
        MESSAGES: {"max_tokens": 2},
        RESPONSES: {"max_output_tokens": 2},
        OLLAMA: {"options": {"num_predict": 2}},
    }
    world, client, end = begun(path, up_to(path, " three"), **limits[path])
    end.reset()

    undisturbed = native(path, TEXTS[:2], finish="length")
    assert client.end == "--"
    assert client.answer.complete
    found = read(path, client.answer.body)
    assert shape(path, found) == shape(path, read(path, undisturbed))
    assert words(path, found) == "one two"
    if path == MESSAGES:  # the others say nothing of usage before their last event, which is lost
        assert spent(path, found)[1] == 2
    assert not world.pools["b"].dials
    world.assert_at_rest()


def test_a_message_that_only_lacks_its_end_needs_no_other_engine() -> None:
    whole = native(MESSAGES, TEXTS)
    world, client, end = begun(MESSAGES, whole[: whole.index(b"event: message_stop")])
    end.reset()

    assert client.end == "--"
    assert client.answer.body == whole
    assert not world.pools["b"].dials
    world.assert_at_rest()


@pytest.mark.parametrize("path", PATHS)
def test_an_engine_that_cannot_go_on_with_a_chat_is_not_asked(path: str) -> None:
    world, client, end = begun(path, up_to(path, " three"))
    world.course.sides[world.backends["b"]].recognised(engine("lmdeploy"))
    end.reset()
    world.pass_time(1.0)

    assert "no other engine may go on with it" in told_by(path, client)
    assert not world.pools["b"].dials
    world.assert_at_rest()


def test_a_context_of_its_own_is_not_left_behind() -> None:
    world, client, end = begun(OLLAMA, up_to(OLLAMA, " three"), options={"num_ctx": 8192})
    end.reset()
    world.pass_time(1.0)

    assert client.call.continued == 0
    assert not client.answer.complete
    assert not world.pools["b"].dials
    world.assert_at_rest()


def test_what_the_caller_began_and_the_engine_went_on_with_is_one_turn() -> None:
    turns = [HI, {"role": "assistant", "content": "Once"}]
    world, client, end = begun(MESSAGES, up_to(MESSAGES, " two"), messages=turns)
    end.reset()
    other = again(world)

    assert request_of(other)["messages"] == [HI, {"role": "assistant", "content": "Onceone"}]
    other.send(SSE + chunk(chat([" two"], 10)) + LAST)
    assert client.end == "--"
    assert words(MESSAGES, read(MESSAGES, client.answer.body)) == "one two"


def told_by(path: str, client: FakeClient) -> str:
    """Return what the client was told of a broken stream."""
    assert not client.answer.complete
    assert client.ended == [False]
    error = read(path, client.answer.body)[-1]["error"]
    return str(error["message"] if isinstance(error, dict) else error)
