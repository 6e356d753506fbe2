"""Evict: calls without an answer are taken back from a backend that is gone, others are not."""

from proxy.core.failure import Kind
from proxy.flow.evict import reroute
from tests.fixtures.course import World
from tests.fixtures.ends import SSE, chunk, token


def test_only_calls_without_an_answer_from_that_backend_are_taken_back() -> None:
    world = World("ab")
    streaming, engine = world.asked("a")
    engine.send(SSE + chunk(token()))
    waiting, silent = world.asked("a")
    elsewhere, other = world.asked("b", pin="b")
    connecting = world.ask()

    assert reroute(world.course, world.backends["a"]) == 2

    assert silent.wire.aborted
    failures = {failure.kind for failure, _ in world.books.failed}
    assert failures == {Kind.CLOSED, Kind.CONNECT_FAILED}
    for client in (streaming, waiting, connecting, elsewhere):
        assert not client.end
    assert not other.gone
    assert not engine.gone


def test_a_call_with_nowhere_else_to_go_is_refused() -> None:
    world = World("a")
    client, _ = world.asked("a")

    reroute(world.course, world.backends["a"])

    assert client.answer.status == 502
    world.assert_at_rest()


def test_nothing_waits_nothing_happens() -> None:
    world = World("a")

    assert reroute(world.course, world.backends["a"]) == 0
