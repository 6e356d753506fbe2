"""Gathering: what is read whole before its client gets it, and until then can be had elsewhere."""

import json

import pytest

from proxy.core.failure import Kind
from proxy.flow import gathering
from proxy.settings.schema import Timeouts
from tests.fixtures.course import World
from tests.fixtures.ends import DONE, LAST, ROLE, SSE, FakeClient, chunk, head, plain, token

PLAIN = b'{"model":"m"}'
MESSAGES = "/v1/messages"
ASKED = b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}'
STREAMED = ASKED[:-1] + b',"stream":true}'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
MISTAKE = b'data: {"error":{"message":"too long","code":400}}\n\n'
FULL = b'data: {"error":{"message":"full","code":503}}\n\n'
ANSWER = b'{"choices":[{"index":0,"message":{"content":"Yes"},"finish_reason":"stop"}]}'


def failed(world: World) -> list[Kind]:
    return [failure.kind for failure, _ in world.books.failed]


def content(client: FakeClient) -> object:
    return json.loads(client.answer.body)["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (SSE + chunk(FULL), Kind.ERROR_EVENT),
        (SSE + chunk(token()) + chunk(FULL), Kind.ERROR_EVENT),
        (SSE + chunk(token()) + LAST, Kind.ERROR_EVENT),
        (SSE + LAST, Kind.ERROR_EVENT),
        (plain(b'{"error":{"message":"oh","code":500}}'), Kind.ERROR_EVENT),
        (plain(b"{}", 503), Kind.STATUS),
        (head(200, b"content-length: 0"), Kind.BAD_RESPONSE),
        (SSE + b"zz\r\n", Kind.BAD_RESPONSE),
    ],
)
def test_until_it_is_whole_another_engine_can_give_it(said: bytes, kind: Kind) -> None:
    world = World("ab", kind="llamacpp")
    client, end = world.asked("a", body=PLAIN)

    end.send(said)
    world.pass_time(0.3)
    world.reached("b").send(SSE + chunk(token("Yes")) + chunk(STOP) + chunk(DONE) + LAST)

    assert failed(world) == [kind]
    assert content(client) == "Yes"
    world.assert_at_rest()


def test_an_engine_that_answers_plainly_is_taken_at_its_word() -> None:
    world = World("a", kind="llamacpp")
    client, end = world.asked("a", body=PLAIN)

    end.send(plain(ANSWER))

    assert client.answer.body == ANSWER
    assert client.answer.complete


def test_a_mistake_of_the_client_told_inside_an_answer_is_told_as_a_status() -> None:
    for path, body in (("/v1/chat/completions", PLAIN), (MESSAGES, ASKED), (MESSAGES, STREAMED)):
        world = World("ab", kind="llamacpp" if path != MESSAGES else "tgi")
        client, end = world.asked("a", path=path, body=body)

        end.send(plain(MISTAKE[6:]) if body is ASKED else SSE + chunk(MISTAKE))

        assert client.answer.status == 400
        assert "too long" in json.loads(client.answer.body)["error"]["message"]
        assert not world.pools["b"].dials
        world.assert_at_rest()


def test_silence_counts_from_the_last_piece_on() -> None:
    world = World("ab", kind="llamacpp", timeouts=Timeouts(first_token=1.0, idle=5.0))
    client, end = world.asked("a", body=PLAIN)
    end.send(SSE + chunk(ROLE))
    world.pass_time(4.0)
    end.send(chunk(token()))
    first = client.call.first_token_at
    world.pass_time(4.0)
    assert not world.books.failed

    world.pass_time(2.0)
    assert failed(world) == [Kind.IDLE_TIMEOUT]
    assert end.wire.aborted
    assert first


def test_the_first_token_of_a_gathered_answer_is_the_engines() -> None:
    world = World("a", kind="llamacpp")
    client, end = world.asked("a", body=PLAIN)
    world.pass_time(1.0)
    end.send(SSE + chunk(token()))
    world.pass_time(1.0)
    end.send(chunk(STOP) + chunk(DONE) + LAST)

    call = client.call
    assert call.first_byte_at - call.first_token_at == pytest.approx(1.0)


def test_a_client_that_leaves_stops_the_engine() -> None:
    world = World("a", kind="llamacpp")
    client, end = world.asked("a", body=PLAIN)
    end.send(SSE + chunk(token()))

    client.leave()

    assert end.wire.aborted
    world.assert_at_rest()


def test_an_engine_that_was_asked_for_a_stream_to_translate_must_send_one() -> None:
    world = World("ab", kind="tgi")
    client, end = world.asked("a", path=MESSAGES, body=STREAMED)

    end.send(plain(ANSWER))
    world.pass_time(0.3)

    assert failed(world) == [Kind.BAD_RESPONSE]
    assert world.pools["b"].dials
    client.leave()


def test_an_answer_without_end_is_not_gathered_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "MAX_GATHERED", 1000)
    world = World("ab", kind="tgi")
    _, end = world.asked("a", path=MESSAGES, body=ASKED)

    end.send(head(200, b"transfer-encoding: chunked"), *[chunk(b"x" * 600)] * 3)

    assert failed(world) == [Kind.BAD_RESPONSE]


def test_a_stream_without_end_is_not_gathered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_GATHERED", 1000)
    world = World("ab", kind="llamacpp")
    _, end = world.asked("a", body=PLAIN)

    end.send(SSE, *[chunk(token("word"))] * 100)

    assert failed(world) == [Kind.BAD_RESPONSE]


def test_an_answer_that_cannot_be_read_is_asked_for_elsewhere() -> None:
    world = World("ab", kind="tgi")
    client, end = world.asked("a", path=MESSAGES, body=ASKED)
    end.send(plain(b"<html>"))
    world.pass_time(0.3)
    world.reached("b").send(plain(ANSWER))

    assert client.answer.status == 200
    assert client.call.attempts == 2
