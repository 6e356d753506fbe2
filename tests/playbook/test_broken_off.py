"""Streams that break off and are not continued: each says why, and ends as it would have."""

from typing import Any

import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from tests.fixtures.continuing import (
    again,
    begun,
    body,
    rest,
    said,
    told,
)
from tests.fixtures.course import World
from tests.fixtures.ends import (
    SSE,
    chunk,
    plain,
    token,
)


@pytest.mark.parametrize(
    "more",
    [
        {"continues": None},
        {"continues": False},
        {"body": body(n=2)},
        {"body": body(response_format={"type": "json_object"})},
    ],
)
def test_other_calls_break_as_ever(more: dict[str, Any]) -> None:
    world, client, end = begun(**more)
    end.reset()

    assert client.end == "BS"
    assert told(client)
    assert len(world.pools["b"].dials) == 0
    world.assert_at_rest()


def test_the_settings_may_name_models() -> None:
    world = World("ab")
    world.course.continues = "m".__eq__
    world, client, end = begun(world=world, continues=None)
    end.reset()
    again(world).send(rest(" three"))
    assert said(client) == "one two three"

    _, client, end = begun(world=world, continues=False)
    end.reset()
    assert client.end == "BS"


def test_what_is_more_than_text_is_told() -> None:
    call = b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}\n\n'
    world, client, end = begun(token("one"), call)
    end.reset()

    assert client.end == "BS"
    assert "a tool is being called" in told(client)
    assert world.books.failed == []
    world.assert_at_rest()


def test_longer_texts_than_are_kept_break_as_ever() -> None:
    world = World("ab")
    world.course.continue_room = len(body()) + 4
    world, client, end = begun(world=world)
    end.reset()

    assert client.end == "BS"
    assert "limits.continuation" in told(client)


def test_engines_that_know_no_way_are_not_asked() -> None:
    world, client, end = begun(world=World("ab", kind="tgi"))
    end.reset()

    assert client.end == "BS"
    assert "no other engine" in told(client)
    assert not world.pools["b"].dials
    world.assert_at_rest()


def test_without_another_engine_the_client_is_told() -> None:
    world, client, end = begun(world=World("a"))
    end.reset()

    assert client.end == "BS"
    assert told(client)
    assert client.call.failure is not None
    assert client.call.failure.kind is Kind.TRUNCATED
    world.assert_at_rest()


def test_an_engine_that_refuses_to_go_on_is_told_of() -> None:
    world, client, end = begun()
    end.reset()
    again(world).send(plain(b'{"error":{"message":"no"}}', 400))

    assert client.end == "BS"
    assert "answered 400" in told(client)
    assert client.call.first_token_at
    assert [retried for _, retried in world.books.failed] == [True, False]
    world.assert_at_rest()


def test_two_engines_that_die_of_a_stream_are_enough() -> None:
    world = World("abc")
    world, client, end = begun(world=world)
    end.reset()
    second = again(world)
    second.send(SSE + chunk(token(" three")))
    second.reset()

    assert client.end == "BS"
    assert said(client) == "one two three"
    assert not world.pools["c"].dials
    world.assert_at_rest()


@pytest.mark.parametrize("phase", ["QUEUE", "CONNECT", "WAIT"])
@pytest.mark.parametrize("how", ["leaves", "drains"])
def test_it_can_end_at_any_time_in_between(phase: str, how: str) -> None:
    world, client, end = begun()
    end.reset()
    attempts = client.attempts
    assert attempts is not None
    if phase != "QUEUE":
        world.pass_time(0.1)
    other = world.reached("b") if phase == "WAIT" else None
    assert attempts.phase.name == phase

    if how == "leaves":
        client.leave()
    else:
        failure = Failure(
            kind=Kind.DRAINING, origin=Origin.PROXY, phase=Phase.QUEUE, detail="stopping"
        )
        attempts.stop(failure)
        attempts.stop(failure)

    assert client.end == ("CS" if how == "leaves" else "PS")
    assert other is None or other.gone
    assert how == "leaves" or "stopping" in told(client)
    world.pass_time(1.0)
    world.assert_at_rest()


def test_waiting_for_room_in_vain_ends_as_the_broken_stream() -> None:
    world = World("ab", cap=1, queue_timeout=2.0)
    world, client, end = begun(world=world)
    blocker, _ = world.asked("b")
    end.reset()
    world.pass_time(4.0)

    assert client.end == "BS"
    assert "no backend had room in time" in told(client)
    blocker.leave()
    world.assert_at_rest()


def test_room_that_comes_is_taken() -> None:
    world = World("ab", cap=1)
    world, client, end = begun(world=world)
    blocker, _ = world.asked("b")
    end.reset()
    world.pass_time(0.1)
    blocker.leave()
    world.reached("b").send(rest(" three"))

    assert said(client) == "one two three"
    assert client.end == "--"
    world.assert_at_rest()
