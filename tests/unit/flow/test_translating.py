"""Translating: a stream is said in the caller's words, and a broken one never ends as if whole."""

import json

import pytest

from proxy.core.failure import Kind
from proxy.settings.schema import Timeouts
from tests.fixtures.course import World
from tests.fixtures.ends import (
    DONE,
    LAST,
    ROLE,
    SSE,
    EngineEnd,
    FakeClient,
    chunk,
    head,
    stream,
    token,
)

STOP = (
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
)
HELLO = b'"messages":[{"role":"user","content":"hi"}]'
CALLS = {
    "/v1/messages": b'{"model":"m","max_tokens":5,"stream":true,%b}' % HELLO,
    "/v1/responses": b'{"model":"m","stream":true,"input":"hi"}',
    "/api/chat": b'{"model":"m",%b}' % HELLO,
    "/api/generate": b'{"model":"m","prompt":"hi"}',
}
LAST_WORD = {
    "/v1/messages": b'"message_stop"}\n\n',
    "/v1/responses": b"response.completed",
    "/api/chat": b'"done":true',
    "/api/generate": b'"done":true',
}
EOF_STREAM = head(200, b"content-type: text/event-stream")


def asked(path: str, **more: object) -> tuple[World, FakeClient, EngineEnd]:
    world = World("a", kind="tgi", timeouts=Timeouts(idle=5.0))
    client, end = world.asked("a", path=path, body=CALLS[path], **more)
    return world, client, end


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("http10", [False, True])
@pytest.mark.parametrize("eof", [False, True])
def test_a_whole_stream_is_whole_in_every_framing(path: str, http10: bool, eof: bool) -> None:
    world, client, end = asked(path, http10=http10)
    events = (ROLE, token("Yes"), token(" no"), STOP, DONE)
    if eof:
        end.send(EOF_STREAM, *events)
        end.close()
    else:
        end.send(SSE, *[chunk(event) for event in events], LAST)

    answer = client.answer
    assert answer.complete
    assert LAST_WORD[path] in answer.body
    assert b"Yes" in answer.body
    kind = "application/x-ndjson" if path.startswith("/api/") else "text/event-stream"
    assert answer.fields["content-type"].startswith(kind)
    assert (client.end, client.ended) == ("--", [True])
    assert (client.call.tokens_in, client.call.tokens_out) == (3, 1)
    assert client.call.bytes_out == len(answer.body)
    world.assert_at_rest()


@pytest.mark.parametrize("path", CALLS)
def test_a_stream_that_came_at_once_is_translated_too(path: str) -> None:
    _, client, end = asked(path)

    end.send(stream(token("Yes"), STOP))

    assert client.answer.complete
    assert LAST_WORD[path] in client.answer.body


def broken(end: EngineEnd, how: str, world: World) -> None:
    if how == "closed":
        end.close()
    elif how == "no marker":
        end.send(LAST)
    elif how == "error":
        end.send(chunk(b'data: {"error":{"message":"oh no","code":500}}\n\n'))
    elif how == "unreadable":
        end.send(chunk(b"data: {no\n\n"))
    elif how == "bad chunk":
        end.send(b"zz\r\n")
    else:
        world.pass_time(8.0)


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("closed", Kind.TRUNCATED),
        ("no marker", Kind.TRUNCATED),
        ("error", Kind.ERROR_EVENT),
        ("unreadable", Kind.BAD_RESPONSE),
        ("bad chunk", Kind.BAD_RESPONSE),
        ("silent", Kind.IDLE_TIMEOUT),
    ],
)
def test_a_broken_stream_says_so_and_is_not_ended(path: str, how: str, kind: Kind) -> None:
    world, client, end = asked(path)
    end.send(SSE + chunk(ROLE), chunk(token("Yes")))
    assert client.call.committed

    broken(end, how, world)

    answer = client.answer
    assert not answer.complete
    assert LAST_WORD[path] not in answer.body
    assert b"error" in answer.body.split(b"Yes")[-1]
    assert client.ended == [False]
    assert client.call.failure is not None
    assert client.call.failure.kind is kind
    world.assert_at_rest()


def test_a_stream_that_is_stopped_names_the_reason_in_the_last_line() -> None:
    world, client, end = asked("/api/chat")
    end.send(SSE + chunk(token("Yes")))

    world.pass_time(8.0)

    last = json.loads(client.answer.body.splitlines()[-1])
    assert last["code"] == "idle_timeout"
    assert "silent" in last["error"]
    assert end.wire.aborted


def test_who_does_not_read_stops_the_engine_from_sending() -> None:
    world, client, end = asked("/v1/messages")
    end.send(SSE + chunk(ROLE))
    client.full_at = 1

    end.send(chunk(token("Yes")))
    assert end.wire.paused
    assert client.attempts is not None
    client.attempts.client_resumed()

    end.send(chunk(STOP) + chunk(DONE) + LAST)
    assert client.answer.complete
    world.assert_at_rest()


def test_the_first_token_is_not_the_notice_that_there_will_be_one() -> None:
    world, client, end = asked("/v1/messages")
    end.send(SSE + chunk(ROLE))
    world.pass_time(1.0)
    end.send(chunk(token("Yes")))

    assert client.call.first_token_at == world.now()
    client.leave()
    assert end.wire.aborted
    world.assert_at_rest()
