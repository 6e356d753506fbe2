"""Networks between the proxy and an engine that are slow, lossy or half dead."""

import asyncio

import pytest

from tests.fixtures.chaos import DONE, Scene, Told, late, whole
from tests.fixtures.faultline import Door, Way
from tests.fixtures.wire import Broken

SLOW = {
    "far away": Way(delay=0.02),
    "in crumbs": Way(piece=7),
    "narrow": Way(rate=20_000, piece=500),
}


@pytest.mark.parametrize("way", SLOW.values(), ids=SLOW)
async def test_a_slow_network_delays_and_breaks_nothing(scene: Scene, way: Way) -> None:
    scene.line.up = scene.line.down = way

    for number, stream in enumerate((True, False), 1):
        assert whole(await scene.ask(stream=stream), stream=stream)
        assert await scene.told(number) == Told()


@late("first_token")
@pytest.mark.parametrize("door", [Door.HANG, Door.CLOSE, Door.RESET])
async def test_a_door_that_lets_nobody_in_moves_the_call(scene: Scene, door: Door) -> None:
    await scene.line.let(door)

    assert whole(await scene.ask())

    assert await scene.told() == Told(attempts=2, backend="b", blamed=1)


async def test_an_engine_that_closes_its_half_only_has_broken_off(scene: Scene) -> None:
    size = len((await scene.ask()).raw)
    scene.line.break_all()
    scene.line.down = Way(cut=size, half=True)

    await scene.broken()

    told = await scene.told(2)
    assert (told.end, told.failure, told.blamed) == ("BS", "truncated_stream", 1)


@late("first_token")
async def test_a_link_that_is_down_from_the_start_moves_the_call(scene: Scene) -> None:
    scene.line.up = Way(lose=True)

    assert whole(await scene.ask())

    assert scene.retried() == ["first_token_timeout"]


async def test_a_byte_that_changed_on_its_way_never_breaks_the_proxy(scene: Scene) -> None:
    size = len((await scene.ask()).raw)
    outcomes = set()
    for at in range(0, size, 23):
        scene.line.break_all()
        scene.line.down = Way(corrupt=at)
        try:
            reply = await scene.ask()
        except (Broken, asyncio.IncompleteReadError):
            outcomes.add("told")
        else:
            assert reply.status == 200
            outcomes.add("moved" if reply.field(b"x-headrace-backend") == b"b" else "unseen")
            assert reply.body.endswith(DONE) or b"error" in reply.body
        scene.forgive()

    assert outcomes >= {"moved", "unseen"}  # text that changed is no concern of framing
