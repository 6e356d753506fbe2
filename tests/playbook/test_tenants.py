"""Tenants that share engines: who asks without pause finds its place free when it comes back."""

import pytest

from proxy.core import admission
from proxy.core.failure import Phase
from tests.fixtures.course import World
from tests.fixtures.ends import EngineEnd, FakeClient, plain
from tests.fixtures.keyed import guarding, key, secret

LAST = plain(b"{}", 200, b"connection: close")


@pytest.fixture
def world() -> World:
    """Return an engine of two places, and two keys."""
    world = World("a", cap=2)
    world.course.guard = guarding([key("quiet"), key("loud")])
    return world


def came(world: World, whose: str, times: int = 1) -> list[FakeClient]:
    return [world.ask(secret=secret(whose)) for _ in range(times)]


def phases(clients: list[FakeClient]) -> list[Phase]:
    return [client.attempts.phase for client in clients if client.attempts]


def contended(world: World) -> tuple[EngineEnd, EngineEnd, list[FakeClient]]:
    """Return the engine's ends of loud and quiet, and what waits behind them, after a second.

    What runs began when others waited already: who came before is not counted.
    """
    came(world, "loud", 2)
    first, second = (dial.connect() for dial in world.pools["a"].dials)
    came(world, "quiet")
    waiting = came(world, "loud", 4)
    ends = []
    for end in (first, second):
        end.send(LAST)
        ends.append(world.reached("a"))
    world.pass_time(1.0)
    return ends[1], ends[0], waiting[1:]


def test_a_place_waits_for_the_tenant_that_has_just_left_it(world: World) -> None:
    _, quiets, waiting = contended(world)

    quiets.send(LAST)

    assert phases(waiting) == [Phase.QUEUE] * 3
    assert phases(came(world, "quiet")) == [Phase.CONNECT]


def test_the_other_has_its_own_place_again_at_once(world: World) -> None:
    louds, _, waiting = contended(world)

    louds.send(LAST)

    assert phases(waiting) == [Phase.CONNECT, Phase.QUEUE, Phase.QUEUE]


def test_a_place_that_nobody_comes_back_to_is_anybodys(world: World) -> None:
    _, quiets, waiting = contended(world)
    quiets.send(LAST)

    world.pass_time(1.5)

    assert phases(waiting) == [Phase.CONNECT, Phase.QUEUE, Phase.QUEUE]


def test_a_new_request_of_the_other_waits_too(world: World) -> None:
    _, quiets, _ = contended(world)
    quiets.send(LAST)

    assert phases(came(world, "loud")) == [Phase.QUEUE]


def test_behind_who_stands_back_others_go_on(world: World) -> None:
    _, quiets, waiting = contended(world)
    backend = world.backends["a"]
    backend.rank(weight=1.0, priority=0, cap=1)  # nobody has room for now
    quiets.send(LAST)
    (late,) = came(world, "quiet")
    assert phases([*waiting, late]) == [Phase.QUEUE] * 4

    backend.rank(weight=1.0, priority=0, cap=2)
    world.pass_time(0.25)

    assert phases([*waiting, late]) == [*[Phase.QUEUE] * 3, Phase.CONNECT]


@pytest.mark.parametrize("keep", [0.0, 2.0])
def test_without_keeping_the_next_in_line_goes_on(keep: float) -> None:
    world = World("a", cap=2, queue=admission.Policy(keep=keep))
    world.course.guard = guarding([key("quiet"), key("loud")])
    _, quiets, waiting = contended(world)

    quiets.send(LAST)

    assert (phases(waiting)[0] is Phase.CONNECT) is (keep == 0.0)


def test_every_count_is_given_back(world: World) -> None:
    one, quiets, waiting = contended(world)
    for client in waiting:
        client.leave()
    one.send(LAST)
    quiets.reset()
    world.settle()
    for client in world.clients:
        if not client.call.end:
            client.leave()

    world.assert_at_rest()
    kept = world.course.queues.kept("m")
    assert kept is not None
    assert [(each.here, each.running) for each in kept._tenants.values()] == [(0, 0), (0, 0)]
