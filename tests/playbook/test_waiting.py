"""Calls for which no backend has room: in line, in order, and never for longer than they want."""

import pytest

from proxy.core import admission
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.flow.evict import reroute
from tests.fixtures.course import World
from tests.fixtures.ends import SSE, chunk, plain, stream, token

DRAINING = Failure(
    kind=Kind.DRAINING, origin=Origin.PROXY, phase=Phase.QUEUE, detail="the proxy is stopping"
)


def test_a_call_beyond_the_cap_waits_and_goes_on_when_there_is_room() -> None:
    world = World("a", cap=1)
    first, engine = world.asked("a")
    second = world.ask()
    assert second.attempts is not None
    assert second.attempts.phase is Phase.QUEUE
    world.pass_time(2.0)

    engine.send(stream(token()))
    engine.send(stream(token()))

    assert first.end == second.end == "--"
    assert second.call.queued_s == pytest.approx(2.0)
    assert second.answer.fields["x-headrace-queue-ms"] in {"1999", "2000"}
    world.assert_at_rest()


@pytest.mark.parametrize("how", ["leaves", "fails", "is stopped", "is broken off"])
def test_every_kind_of_end_lets_the_next_one_in(how: str) -> None:
    world = World("a", cap=1)
    first, engine = world.asked("a")
    second = world.ask()
    assert first.attempts is not None

    if how == "leaves":
        first.leave()
    elif how == "fails":
        engine.send(plain(b"{}", 400))
    elif how == "is stopped":
        first.attempts.stop(DRAINING)
    else:
        engine.send(SSE + chunk(token()))
        engine.reset()

    assert second.attempts is not None
    assert second.attempts.phase in {Phase.CONNECT, Phase.WAIT}


def test_those_who_wait_go_in_order_of_priority_then_arrival() -> None:
    world = World("a", cap=1)
    _, engine = world.asked("a")
    late = [world.ask(priority=1), world.ask(), world.ask(), world.ask(priority=-1)]

    order = []
    for _ in range(5):
        engine.send(stream(token()))
        order += [client for client in late if client.end and client not in order]

    assert order == [late[3], late[1], late[2], late[0]]
    world.assert_at_rest()


def test_a_full_queue_refuses_with_a_time_to_come_back() -> None:
    world = World("a", cap=1, queue=admission.Policy(count=1))
    world.ask()
    world.ask()

    client = world.ask()

    assert client.answer.status == 503
    assert int(client.answer.fields["retry-after"]) >= 1
    assert b"queue_full" in client.answer.body
    assert client.end == "PQ"
    assert world.books.statuses == [503]


def test_a_queue_of_length_none_refuses_at_once() -> None:
    world = World("a", cap=1, queue=admission.Policy(count=0))
    world.ask()

    assert world.ask().answer.status == 503


@pytest.mark.parametrize("patience", [0.2, 5.0])
def test_who_waits_too_long_is_told_when_to_come_back(patience: float) -> None:
    world = World("a", cap=1, queue_timeout=patience)
    world.asked("a")
    client = world.ask()

    world.pass_time(patience - 0.1)
    assert not client.end
    world.pass_time(0.2)

    assert client.answer.status == 503
    assert b"queue_timeout" in client.answer.body
    assert client.call.queued_s == pytest.approx(patience, abs=0.11)
    assert int(client.answer.fields["retry-after"]) >= 1


def test_with_all_breakers_open_the_time_to_come_back_is_that_of_the_first_trial() -> None:
    world = World("a", queue_timeout=1.0)
    backend = world.backends["a"]
    for _ in range(5):
        lease = backend.lease(1, 1, world.now())
        backend.breaker.failed(lease.token, world.now(), hard=False)
        lease.release()
    for _ in range(4):  # trials fail, too: by now it stays open for long
        due = backend.breaker.next_probe_at
        assert due is not None
        world.pass_time(due - world.now() + 0.01)
        lease = backend.lease(1, 1, world.now())
        backend.breaker.failed(lease.token, world.now(), hard=False)
        lease.release()
    client = world.ask()

    world.pass_time(1.1)

    assert client.call.failure is not None
    due = backend.breaker.next_probe_at
    assert due is not None
    assert client.call.failure.retry_after == pytest.approx(due - world.now(), abs=0.2)


def test_a_client_that_leaves_the_queue_is_struck_out() -> None:
    world = World("a", cap=1)
    first, engine = world.asked("a")
    second, third = world.ask(), world.ask()

    second.leave()
    assert world.course.queues.count == 1
    engine.send(stream(token()))
    engine.send(stream(token()))

    assert (first.end, second.end, third.end) == ("--", "CQ", "--")
    assert not second.raw
    world.assert_at_rest()


def test_a_drain_refuses_those_who_wait() -> None:
    world = World("a", cap=1)
    world.asked("a")
    second = world.ask()
    assert second.attempts is not None

    second.attempts.stop(DRAINING)

    assert second.answer.status == 503
    assert second.end == "PQ"


def test_who_insists_on_a_busy_backend_holds_up_nobody_else() -> None:
    world = World("ab", cap=1)
    _, busy = world.asked("a")
    _, other = world.asked("b")
    pinned = world.ask(pin="a")
    free = world.ask()

    other.send(stream(token()))

    assert free.attempts is not None
    assert free.attempts.phase is Phase.WAIT
    assert not pinned.end
    other.send(stream(token()))
    busy.send(stream(token()))
    busy.send(stream(token()))
    assert pinned.end == free.end == "--"
    assert pinned.answer.fields["x-headrace-backend"] == "a"
    world.assert_at_rest()


def test_a_new_call_does_not_overtake_those_who_wait() -> None:
    world = World("a")
    backend = world.backends["a"]
    backend.learned_cap = 1
    world.asked("a")
    first = world.ask()
    backend.learned_cap = 2  # and nobody has looked since

    second = world.ask()

    assert first.attempts is not None
    assert second.attempts is not None
    assert first.attempts.phase is Phase.CONNECT
    assert second.attempts.phase is Phase.QUEUE


def test_a_call_waits_for_a_backend_that_is_down_and_goes_when_it_is_back() -> None:
    world = World("a")
    backend = world.backends["a"]
    for _ in range(3):
        backend.health.probed(ok=False, now=world.now(), reason="gone")
    client = world.ask()
    world.pass_time(1.0)

    backend.health.probed(ok=True, now=world.now(), reason="")
    world.pass_time(0.1)

    world.reached("a").send(stream(token()))
    assert client.end == "--"


def test_calls_that_wait_at_a_backend_gone_down_are_sent_elsewhere() -> None:
    world = World("ab")
    streaming, engine = world.asked("a")
    engine.send(SSE + chunk(token()))
    waiting, silent = world.asked("a")
    connecting = world.ask()
    backend = world.backends["a"]
    for _ in range(3):
        backend.health.probed(ok=False, now=world.now(), reason="gone")

    assert reroute(world.course, backend) == 2
    world.pass_time(0.3)

    assert silent.wire.aborted
    assert world.pools["a"].dials[-1].cancelled
    assert not streaming.end
    for dial in world.pools["b"].dials:
        dial.connect().send(stream(token()))
    assert waiting.end == connecting.end == "--"
    engine.reset()
    world.assert_at_rest()


def test_struck_tickets_are_not_kept() -> None:
    world = World("a", cap=1)
    _, engine = world.asked("a")
    for _ in range(300):
        world.ask()
        engine.send(stream(token()))
    engine.send(stream(token()))

    queue = world.course.queues.queue("m")
    assert len(queue._heap) <= 64
    world.assert_at_rest()
