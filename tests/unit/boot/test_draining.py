"""A drain begins once, whoever asks for it; tests/wire/test_drain.py shows its steps."""

import asyncio

from proxy.boot.draining import Draining
from proxy.edge.server import Edge
from proxy.settings.schema import Drain, Limits
from tests.fixtures.course import World


class Scene:
    """A drain of a world without calls."""

    def __init__(self, drain: Drain) -> None:
        self.course = World().course
        self.edge = Edge(self.course, Limits())
        self.calls = 1
        self.draining = Draining(self.course, self.edge, lambda: drain, lambda: not self.calls)


async def test_who_asks_twice_waits_for_the_same_drain() -> None:
    scene = Scene(Drain(delay=0.0, timeout=0.0))

    first, second = scene.draining.begin(), scene.draining.begin()

    assert first is second
    assert scene.draining.begun
    await first
    assert scene.draining.begin() is first


async def test_new_work_is_known_to_be_unwelcome_from_the_first_moment() -> None:
    scene = Scene(Drain(delay=60.0, timeout=60.0))

    task = scene.draining.begin()

    assert scene.course.draining
    assert not scene.edge.draining  # clients may come in until the delay is over
    scene.draining.hurry()
    await task
    assert scene.edge.draining


async def test_nothing_under_way_is_not_waited_for() -> None:
    scene = Scene(Drain(delay=0.0, timeout=3600.0))
    scene.calls = 0

    await scene.draining.begin()


async def test_handed_over_the_listeners_are_left_at_once_and_nobody_waits_in_vain() -> None:
    scene = Scene(Drain(delay=3600.0, timeout=3600.0))
    scene.calls = 0

    task = scene.draining.begin(handed_over=True)
    await asyncio.sleep(0)

    assert scene.edge.draining
    await task
