"""Clients that do not read, engines that say nothing, and limits on everything."""

import pytest

from proxy.core.failure import Kind
from proxy.flow.deadlines import HEARTBEAT
from proxy.settings.schema import Timeouts
from tests.fixtures.broken import assert_broken, streaming
from tests.fixtures.course import World
from tests.fixtures.ends import DONE, LAST, SSE, chunk, stream, token


def test_a_client_that_does_not_read_pauses_its_engine() -> None:
    world = World("a")
    client, engine = streaming(world)
    assert client.attempts is not None

    client.attempts.client_paused()
    assert engine.wire.paused
    client.attempts.client_resumed()

    assert not engine.wire.paused
    engine.send(chunk(DONE) + LAST)
    assert client.end == "--"


def test_a_client_paused_before_the_commit_pauses_its_engine_at_the_commit() -> None:
    world = World("a")
    client, engine = world.asked("a")
    assert client.attempts is not None

    client.attempts.client_paused()
    assert not engine.wire.paused
    engine.send(SSE + chunk(token()))

    assert engine.wire.paused


@pytest.mark.parametrize("first", [b"", SSE + chunk(token())])
def test_a_buffer_filled_by_the_last_piece_leaves_no_paused_connection_behind(first: bytes) -> None:
    world = World("a")
    client, engine = world.asked("a")
    if first:
        engine.send(first)
    client.full_at = len(client.raw) + 1

    engine.send((b"" if first else SSE) + chunk(token()) + chunk(DONE) + LAST)

    assert client.end == "--"
    assert not engine.wire.paused
    again = world.ask()
    engine.send(stream(token()))
    assert again.end == "--"


def test_a_paused_connection_is_read_again_before_its_next_call() -> None:
    world = World("a")
    client, engine = streaming(world)
    assert client.attempts is not None
    client.attempts.client_paused()

    engine.connection.data_received(chunk(DONE) + LAST)  # what was on its way all the same

    assert not engine.wire.paused
    again = world.ask()
    engine.send(SSE + chunk(token()))
    assert again.attempts is not None
    again.attempts.client_paused()
    assert engine.wire.paused


def test_an_engine_paused_for_its_client_is_not_taken_for_silent() -> None:
    world = World("a", timeouts=Timeouts(idle=5.0))
    client, _ = streaming(world)
    assert client.attempts is not None

    client.attempts.client_paused()
    world.pass_time(30.0)
    assert not client.end
    client.attempts.client_resumed()
    world.pass_time(4.0)
    assert not client.end
    world.pass_time(2.0)

    assert_broken(client, "TS", event=True)


def test_a_client_that_does_not_read_for_a_minute_is_given_up() -> None:
    world = World("a")
    client, engine = streaming(world)
    assert client.attempts is not None

    client.attempts.client_paused()
    world.pass_time(62.0)

    assert_broken(client, "CS", event=True)
    assert engine.wire.aborted
    assert world.backends["a"].breaker.run == 0
    world.assert_at_rest()


@pytest.mark.parametrize("idle", [0.3, 5.0])
def test_an_engine_silent_for_too_long_is_given_up(idle: float) -> None:
    world = World("a", timeouts=Timeouts(idle=idle))
    client, engine = streaming(world)
    world.pass_time(idle - 0.1)
    engine.send(chunk(token("two")))
    world.pass_time(idle - 0.1)
    assert not client.end

    world.pass_time(0.2 + min(idle, HEARTBEAT))  # silence is noticed one look late at most

    assert_broken(client, "TS", event=True)
    assert engine.wire.aborted
    world.assert_at_rest()


def test_a_comment_counts_against_silence() -> None:
    world = World("a", timeouts=Timeouts(idle=5.0))
    client, engine = streaming(world)

    for _ in range(5):
        world.pass_time(4.0)
        engine.send(chunk(b": ping\n\n"))

    assert not client.end


# The settings' limit depends on the backend, so it holds from the first choice on: not in a queue.
@pytest.mark.parametrize(
    ("stage", "source"),
    [("queue", "client")]
    + [(s, who) for s in ("connect", "wait", "stream") for who in ("client", "settings")],
)
def test_the_overall_deadline_holds_in_every_phase(stage: str, source: str) -> None:
    total = 3.0 if source == "settings" else 0.0
    world = World("a", cap=1, timeouts=Timeouts(connect=10.0, total=total))
    if stage == "queue":
        world.timeouts = Timeouts(connect=0.0)
        world.ask()
    client = world.ask(timeout=3.0 if source == "client" else 0.0)
    if stage in {"wait", "stream"}:
        engine = world.reached("a")
        if stage == "stream":
            engine.send(SSE + chunk(token()))

    world.pass_time(2.9)
    assert not client.end
    world.pass_time(0.2)

    assert client.call.failure is not None
    assert client.call.failure.kind is Kind.TOTAL_TIMEOUT
    if stage != "stream":
        assert client.answer.status == 504
    else:
        assert_broken(client, "TS", event=True)


def test_the_shorter_of_both_overall_limits_holds() -> None:
    world = World("a", timeouts=Timeouts(total=5.0))

    assert world.ask(timeout=2.0).call.deadline == world.now() + 2.0
    assert world.ask(timeout=9.0).call.deadline == world.now() + 5.0


@pytest.mark.parametrize("timeout", [0.15, 0.4])
def test_a_deadline_of_a_fraction_of_a_second_is_kept(timeout: float) -> None:
    world = World("a")
    client = world.ask(timeout=timeout)

    world.pass_time(timeout + 0.06)

    assert client.answer.status == 504
