"""Skimming: bodies read in steps, each in its turn, and calls that end before theirs has been."""

import msgspec

from proxy.core.failure import Kind
from tests.fixtures.course import TICK, World

DENSE = b'{"x":[%b0],"model":"%%b","stream":true}' % (b'{"model":"inner"},' * 80_000)


def test_a_dense_body_begins_its_call_when_it_has_been_read() -> None:
    world = World("a", native="there")

    client = world.ask(body=DENSE % b"m")
    assert not world.pools["a"].dials
    assert world.course.skims
    world.pass_time(40 * TICK)
    sent = world.reached().asked.partition(b"\r\n\r\n")[2]

    assert msgspec.json.decode(sent)["model"] == "there"
    assert sent.count(b"inner") == 80_000
    assert client.call.model == "m"
    assert not world.course.skims


def test_others_go_on_while_it_is_read() -> None:
    world = World("a")
    world.ask(body=DENSE % b"m")
    world.pass_time(2 * TICK)

    world.ask()

    assert len(world.pools["a"].dials) == 1


def test_each_is_read_in_its_turn() -> None:
    world = World("a")
    world.ask(body=DENSE % b"m")
    world.pass_time(2 * TICK)
    refused = world.ask(body=b'{"model":"m","x":%b' % (b"[" * 2_000_000))
    world.pass_time(4 * TICK)

    assert refused.refusals[0].kind is Kind.BAD_JSON
    assert world.course.skims


def test_a_client_that_leaves_before_has_its_call_ended_once() -> None:
    world = World("a")
    client = world.ask(body=DENSE % b"m")
    world.pass_time(2 * TICK)

    client.leave()
    world.pass_time(40 * TICK)

    assert client.call.end == "CR"
    assert world.books.finished_calls == [client.call]
    assert world.books.started == 1
    assert not world.pools["a"].dials
    assert not world.course.skims


def test_what_is_more_than_is_read_here_is_refused_as_too_large() -> None:
    world = World("a")
    client = world.ask(body=b'{"model":"m"%b}' % (b',"k":1' * 200_000))
    world.pass_time(40 * TICK)

    assert client.refusals[0].kind is Kind.TOO_LARGE
    assert "1048576 bytes" in client.refusals[0].detail
    assert len(world.books.finished_calls) == world.books.started == 1


def test_a_client_that_does_not_read_pauses_the_call_that_begins_later() -> None:
    world = World("a")
    client = world.ask(body=DENSE % b"m")
    assert client.attempts is not None
    client.attempts.client_paused()
    world.pass_time(40 * TICK)

    (attempts,) = world.course.calls
    assert attempts.paused_at
    client.attempts.client_resumed()
    assert not attempts.paused_at
