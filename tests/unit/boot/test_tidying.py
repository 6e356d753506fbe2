"""Collecting garbage: every so often, never among many connections, seldom where it takes long."""

from proxy.boot.tidying import EVERY, FEW, MOST, SELDOM, Tidying


class Collector:
    """A clock, and a collector that takes its time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.takes = 0.0
        self.times: list[float] = []

    def collect(self) -> None:
        self.times.append(self.now)
        self.now += self.takes


def looked(connections: int, takes: float, until: float) -> list[float]:
    world = Collector()
    world.takes = takes
    tidying = Tidying(lambda: world.now, world.collect)
    while world.now <= until:
        tidying.look(connections)
        world.now += 1.0
    return world.times


def test_it_is_done_every_so_often() -> None:
    assert looked(FEW, 0.0, 3 * EVERY) == [EVERY, 2 * EVERY, 3 * EVERY]


def test_many_connections_are_not_held_up() -> None:
    assert looked(FEW + 1, 0.0, 3 * EVERY) == []


def test_what_takes_long_is_done_seldom() -> None:
    first, second = looked(1, 2 * MOST, SELDOM + 2 * EVERY)

    assert first == EVERY
    assert SELDOM <= second - first <= SELDOM + 2.0
