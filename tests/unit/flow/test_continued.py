"""The continuing relay: whole events only, also while no engine speaks."""

import pytest

from proxy.flow.continued import ContinuingRelay
from tests.fixtures.course import World
from tests.fixtures.ends import DONE, LAST, SSE, EngineEnd, FakeClient, chunk, token

ASKED = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'


def relaying(*, http10: bool = False) -> tuple[World, FakeClient, EngineEnd, ContinuingRelay]:
    world = World("ab")
    client, engine = world.asked("a", body=ASKED, continues=True, http10=http10)
    engine.send(SSE + chunk(token("a")))
    assert client.attempts is not None
    relay = client.attempts.relay
    assert isinstance(relay, ContinuingRelay)
    return world, client, engine, relay


@pytest.mark.parametrize("http10", [False, True])
def test_an_event_is_written_when_it_is_whole(http10: bool) -> None:
    _, client, engine, relay = relaying(http10=http10)
    before = len(client.writes)
    said = chunk(token("b"))

    engine.send(*[said[at : at + 1] for at in range(len(said))])

    assert client.writes[before:] == [token("b") if http10 else chunk(token("b"))]
    assert relay.size == len(token("a") + token("b"))
    assert relay.chunks == 1 + len(said)


def test_pieces_are_not_kept() -> None:
    _, client, engine, relay = relaying()
    engine.send(*[chunk(token("b"))] * 100)
    relay.slim()

    assert not relay._tail
    engine.send(chunk(DONE) + LAST)
    assert client.end == "--"


def test_a_connection_that_serves_another_call_is_left_alone() -> None:
    world, client, engine, _ = relaying()
    engine.send(LAST)  # its stream lacks the marker, but its connection is as good as before

    assert not engine.gone
    world.pass_time(0.1)
    world.reached("b").send(SSE + chunk(token("b")) + chunk(DONE) + LAST)
    assert client.end == "--"
    assert not engine.gone


def test_bad_framing_is_gone_on_from() -> None:
    world, client, engine, _ = relaying()
    engine.send(b"zz\r\n")

    assert engine.gone
    world.pass_time(0.1)
    world.reached("b").send(SSE + chunk(token("b")) + chunk(DONE) + LAST)
    assert client.end == "--"
    assert client.answer.body == token("a") + b"data: " + token("b")[6:] + DONE
