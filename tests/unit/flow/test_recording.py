"""Words of sampled calls are noted where the settings say so, whichever way an answer takes."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from proxy.core.early import Policy
from proxy.core.recording import Rule, Spoken
from proxy.core.traceparent import Sampler
from proxy.flow.early import Earlies
from proxy.flow.recording import MOST_HEAD, Ear, HeardClient, Recorder
from proxy.flow.tracing import TracedIntake
from tests.fixtures.continuing import HI, STOP, body
from tests.fixtures.course import World
from tests.fixtures.ends import (
    DONE,
    LAST,
    SSE,
    FakeClient,
    chunk,
    head,
    plain,
    stream,
    token,
)
from tests.fixtures.keyed import guarding, key, secret

RULE = Rule()
WHOLE = b'{"choices":[{"message":{"content":"one"},"finish_reason":"stop"}]}'


def recorded(
    names: str = "ab", ratio: float = 1.0, rule: Rule | None = RULE, kind: str = "vllm"
) -> World:
    """Return a course that samples, and notes the words of the model `m`."""
    world = World(names, kind=kind)
    numbers = iter(range(101, 999))
    sampler = Sampler(ratio, follow=True, bits=lambda _: next(numbers))
    world._intake = TracedIntake(world.course, sampler)
    recorder = world.course.recorder = Recorder()
    recorder.rule_of = lambda model: rule if model == "m" else None
    return world


def spoken(client: FakeClient) -> Spoken:
    trace = client.call.trace
    assert trace is not None
    assert trace.spoken is not None
    return trace.spoken()


def answered(client: FakeClient) -> Any:
    return msgspec.json.decode(spoken(client).answered)


def said(*texts: str, reason: str = "stop") -> list[dict[str, object]]:
    parts = [{"type": "text", "content": text} for text in texts]
    return [{"role": "assistant", "parts": parts, "finish_reason": reason}]


def test_both_sides_of_a_stream_are_noted() -> None:
    world = recorded()
    client, engine = world.asked("a", body=body())
    engine.send(stream(token("one"), token(" two"), STOP))

    assert client.answer.body == token("one") + token(" two") + STOP + DONE
    assert msgspec.json.decode(spoken(client).asked) == [
        {"role": "user", "parts": [{"type": "text", "content": "hi"}]}
    ]
    assert answered(client) == said("one two")
    assert not spoken(client).answered_cut
    world.assert_at_rest()


@pytest.mark.parametrize("fields", [(), (b"x-kept: 1",)], ids=["as it came", "with a header field"])
def test_a_whole_answer_is_noted(fields: Sequence[bytes]) -> None:
    world = recorded()
    client, engine = world.asked("a", body=body(stream=False))
    engine.send(plain(WHOLE, 200, *fields))

    assert client.answer.body == WHOLE
    assert answered(client) == said("one")


def test_a_whole_answer_in_chunks_is_noted() -> None:
    world = recorded()
    client, engine = world.asked("a", body=body(stream=False))
    start = head(200, b"content-type: application/json", b"transfer-encoding: chunked")
    engine.send(start + chunk(WHOLE[:9]), chunk(WHOLE[9:]) + LAST)

    assert answered(client) == said("one")


def test_a_client_that_cannot_chunk_is_heard() -> None:
    world = recorded()
    client, engine = world.asked("a", body=body(), http10=True)
    engine.send(stream(token("one"), STOP))

    assert client.answer.body == token("one") + STOP + DONE
    assert client.closing, "the wrapped client is told"
    assert answered(client) == said("one")


def test_an_answer_translated_for_its_client_is_noted_in_the_dialect_of_the_client() -> None:
    world = recorded("a", kind="tgi")
    asked = {"model": "m", "messages": [HI], "max_tokens": 9, "stream": True, "system": "brief"}
    client, engine = world.asked("a", body=msgspec.json.encode(asked), path="/v1/messages")
    engine.send(stream(token("one"), STOP))

    assert b"message_stop" in client.answer.body

    assert msgspec.json.decode(spoken(client).system) == [{"type": "text", "content": "brief"}]
    assert answered(client) == said("one")


def test_a_stream_that_goes_on_elsewhere_is_one_answer() -> None:
    world = recorded()
    client, first = world.asked("a", body=body(), continues=True)
    first.send(SSE, chunk(token("one")))
    first.reset()
    world.pass_time(0.1)
    world.reached("b").send(SSE, chunk(token(" two")), chunk(STOP), chunk(DONE) + LAST)

    assert client.call.continued == 1
    assert answered(client) == said("one two")


def test_signs_of_life_are_no_words() -> None:
    world = recorded()
    early = world.course.early = Earlies()
    early.policy_of = lambda _model: Policy(after=1.0, every=10.0)
    client, engine = world.asked("a", body=body())
    world.pass_time(2.0)
    engine.send(SSE, chunk(token("one")), chunk(STOP), chunk(DONE) + LAST)

    assert b": waiting" in client.raw
    assert answered(client) == said("one")


def test_what_a_client_had_that_left_is_noted() -> None:
    world = recorded()
    client, engine = world.asked("a", body=body())
    engine.send(SSE, chunk(token("one")))
    client.leave()

    assert answered(client) == said("one", reason="error")
    world.assert_at_rest()


def test_an_error_of_an_engine_is_not_noted() -> None:
    world = recorded("a")
    client, engine = world.asked("a", body=body())
    engine.send(plain(b'{"error":{"message":"your prompt hi is bad"}}', 400))

    assert client.refusals
    assert spoken(client).answered == ""
    assert spoken(client).asked


def test_text_over_the_limit_is_cut() -> None:
    world = recorded(rule=Rule(limit=200))
    client, engine = world.asked("a", body=body(messages=[HI, HI, HI]))
    engine.send(stream(*[token("x" * 50)] * 9, STOP))

    found = spoken(client)
    assert found.answered_cut
    assert answered(client)[0]["finish_reason"] == "stop"
    assert (found.asked_cut, found.omitted) == (True, 2)


def test_a_compressed_answer_is_said_to_be_unread() -> None:
    world = recorded()
    client, engine = world.asked("a", body=body(stream=False))
    engine.send(plain(b"\x1f\x8b", 200, b"content-encoding: gzip"))

    assert spoken(client).unread == "the answer is compressed"
    assert spoken(client).answered == ""


@pytest.mark.parametrize(
    ("world", "request_"),
    [
        (recorded(ratio=0.0), {}),
        (recorded(rule=None), {}),
        (recorded(), {"path": "/v1/embeddings"}),
        (recorded(rule=Rule(keys=frozenset({"team-a"}))), {}),
    ],
    ids=["not sampled", "another model", "no words", "no key"],
)
def test_calls_that_are_not_meant_keep_their_client(world: World, request_: dict[str, str]) -> None:
    client = world.ask(body=body(input="hi"), **request_)  # type: ignore[arg-type]

    assert client.attempts is not None
    assert client.attempts.client is client
    assert client.call.trace is None or client.call.trace.spoken is None


def test_a_rule_may_name_keys() -> None:
    world = recorded(rule=Rule(keys=frozenset({"team-a"})))
    world.course.guard = guarding([key("team-a"), key("team-b")])
    own = world.ask(body=body(), secret=secret("team-a"))
    other = world.ask(body=body(), secret=secret("team-b"))

    assert own.attempts is not None
    assert isinstance(own.attempts.client, HeardClient)
    assert other.attempts is not None
    assert other.attempts.client is other


def test_an_ear_gives_up_on_what_is_no_answer() -> None:
    endless, misframed = Ear("chat", 1024), Ear("chat", 1024)
    for _ in range(MOST_HEAD // 1000 + 1):
        endless.hear(b"x" * 1000)
    misframed.hear(SSE)
    misframed.hear(b"zz\r\n")
    misframed.hear(chunk(token("one")))

    assert endless.unread.startswith("the answer's head")
    assert misframed.unread == "the answer is not framed as it should be"


def test_a_head_in_pieces_is_read() -> None:
    ear = Ear("chat", 1024)
    for byte in SSE + chunk(token("one")):
        ear.hear(bytes([byte]))

    assert ear.hearing is not None
    assert ear.hearing.messages()[0]["parts"] == [{"type": "text", "content": "one"}]
