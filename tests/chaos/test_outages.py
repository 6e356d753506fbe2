"""Rows 26 to 29: engines that are away, come and go, come back, or refuse everything quickly."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from proxy.core import health, warming
from proxy.core.breaker import State
from tests.fixtures.chaos import TIMES, Scene, Told, staged, whole
from tests.fixtures.faultline import Door
from tests.fixtures.stack import eventually
from tests.fixtures.wire import Reply, chat, connected, get, post

Port = Callable[[], int]
QUEUE = "limits: {queue_timeout: 500ms}\n"


@asynccontextmanager
async def away(free_port: Port) -> AsyncIterator[Scene]:
    """Return a stage whose only engine is known to be down."""
    async with staged(free_port, engines=1, more=TIMES + QUEUE) as scene:
        await scene.line.let(Door.SHUT)
        scene.line.break_all()
        scene.first.health.suspect(scene.stack.instance.now())
        scene.stack.instance._prober.wake(scene.first)
        await eventually(lambda: scene.first.health.state is health.State.DOWN)
        yield scene


async def test_row_26_all_engines_are_down(free_port: Port) -> None:
    async with away(free_port) as scene:
        reply = await scene.ask()

        assert (reply.status, reply.code) == (503, "queue_timeout")
        assert int(reply.field(b"retry-after")) >= 1
        assert await scene.told() == Told(
            end="TQ", failure="queue_timeout", status=503, attempts=0, backend=None
        )
        async with connected(scene.port) as wire:  # it lives, though it can serve nobody
            wire.send(get("/health"))
            assert (await wire.answer()).status == 200
        admin = scene.stack.instance.settings.admin
        async with aiohttp.ClientSession() as client:
            url = f"http://{admin.host}:{admin.port}"
            assert (await client.get(url + "/healthz")).status == 200
            assert (await client.get(url + "/readyz")).status == 503


async def test_row_26_an_engine_that_comes_back_in_time_serves_who_waits(free_port: Port) -> None:
    async with staged(free_port, engines=1, more=TIMES) as scene:
        scene.engine.faults.set(Fault(kind=Kind.DOWN))
        scene.stack.instance._prober.wake(scene.first)
        await eventually(lambda: not scene.first.health.ready)
        waiting = asyncio.ensure_future(scene.ask())
        await eventually(lambda: bool(scene.stack.instance.queues()))
        scene.engine.faults.clear()

        assert whole(await waiting)

        assert await scene.told() == Told()


async def test_row_26_the_only_engine_has_just_died(alone: Scene) -> None:
    await alone.line.let(Door.SHUT)
    asking = asyncio.ensure_future(alone.ask())
    await eventually(lambda: bool(alone.retried()))
    await alone.line.let(Door.OPEN)

    assert whole(await asking)
    told = await alone.told()
    assert (told.end, told.status, told.backend) == ("--", 200, "a")
    assert set(alone.retried()) == {"connect_refused"}


async def test_row_27_an_engine_that_flaps(scene: Scene) -> None:
    over = False
    replies: list[Reply] = []

    async def client() -> None:
        while not over:
            replies.append(await scene.ask(stream=False))

    async with asyncio.TaskGroup() as clients:
        for _ in range(4):
            clients.create_task(client())
        for _ in range(4):
            served = len(scene.engine.requests)
            await eventually(lambda: len(scene.engine.requests) > served + 4)  # noqa: B023 - waited for in this turn
            scene.engine.faults.set(Fault(kind=Kind.DOWN))
            answered = len(replies)
            await eventually(lambda: len(replies) > answered + 20)  # noqa: B023 - waited for in this turn
            scene.engine.faults.clear()
        over = True

    assert all(whole(reply, stream=False) for reply in replies)
    assert len(scene.other.requests) >= 4 * 20


async def test_row_28_recovery_with_a_full_queue(free_port: Port) -> None:
    count, cap = 40, 8
    slow = Profile(pace=0.01)
    async with staged(free_port, engines=1, more="", profile=slow, max_in_flight=cap) as scene:
        scene.engine.faults.set(Fault(kind=Kind.DOWN))
        scene.stack.instance._prober.wake(scene.first)
        await eventually(lambda: scene.first.health.state is health.State.DOWN)

        async def client(number: int) -> None:
            async with connected(scene.port) as wire:
                wire.send(post(chat(1), f"x-request-id: {number}"))
                assert (await wire.answer()).status == 200

        async with asyncio.TaskGroup() as clients:
            for number in range(count):
                clients.create_task(client(number))
                await eventually(lambda: sum(scene.stack.instance.queues().values()) > number)  # noqa: B023 - waited for in this turn
            scene.engine.faults.clear()
            while len(scene.engine.requests) < count:
                since = scene.stack.instance.now() - scene.first.health.recovered_at
                room = warming.room(cap, warming.share(since, warming.SLOW_START), since)
                assert scene.first.in_flight <= room  # a tenth of its cap at first, at least one
                await asyncio.sleep(0.002)

        order = [int(record.id) for record in scene.engine.requests]
        assert order == sorted(order)


async def test_row_29_an_engine_that_refuses_everything_quickly(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.STATUS, status=429))
    breaker, now = scene.first.breaker, scene.stack.instance.now
    begun, before, served, over = 0.0, 0, 0, False

    async def client() -> None:
        nonlocal served
        while not over:
            assert whole(await scene.ask(stream=False), stream=False)
            served += 1

    async with asyncio.TaskGroup() as clients:
        for _ in range(3):  # as many as the retry budget lets move at once
            clients.create_task(client())
        await eventually(lambda: breaker.state(now()) is not State.CLOSED)
        begun, before, served = now(), len(scene.engine.requests), 0
        await eventually(lambda: served > 200)
        over = True

    assert breaker.state(now()) is not State.CLOSED
    struck = len(scene.engine.requests) - before
    assert struck <= 3 + (now() - begun) / 4  # those under way, and a trial now and then
