"""Pump: who waits is sent on as soon as there is room, whoever stands before them."""

import pytest

from proxy.core.failure import Phase
from proxy.flow import pump
from tests.fixtures.course import World


def phases(world: World) -> list[Phase]:
    return [client.attempts.phase for client in world.clients if client.attempts]


def test_an_empty_queue_costs_nothing() -> None:
    world = World("a")

    pump.run(world.course)

    assert not world.pools["a"].dials


@pytest.mark.parametrize("room", [0, 1, 2, 5])
def test_as_many_go_on_as_there_is_room_for(room: int) -> None:
    world = World("a")
    backend = world.backends["a"]
    backend.learned_cap = 1
    for _ in range(4):
        world.ask()

    backend.learned_cap = 1 + room
    pump.run(world.course)

    assert phases(world).count(Phase.CONNECT) == min(4, 1 + room)
    assert phases(world)[: 1 + room].count(Phase.QUEUE) == 0


def test_models_do_not_hold_up_each_other() -> None:
    world = World("ab", aliases={"x": ["m"]})
    for backend in world.backends.values():
        backend.learned_cap = 1
    for _ in range(3):
        world.ask()
    world.ask(body=b'{"model":"x"}')

    world.backends["b"].learned_cap = 3
    pump.run(world.course)

    assert Phase.QUEUE not in phases(world)


def test_behind_a_choosy_first_those_go_on_who_can_in_order() -> None:
    world = World("ab")
    for backend in world.backends.values():
        backend.learned_cap = 1
    for name in "ab":
        world.ask(pin=name)
    for pin in ("a", "a", None, "b", None):
        world.ask(pin=pin)

    world.backends["b"].learned_cap = 3
    pump.run(world.course)

    connect, queue = Phase.CONNECT, Phase.QUEUE
    assert phases(world)[2:] == [queue, queue, connect, connect, queue]
    assert world.course.queues.queue("m").served == 2
