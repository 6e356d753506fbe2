"""Rows 26 to 29: engines that are away, come and go, come back, or refuse everything quickly."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from proxy.core import health
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
    await asyncio.sleep(0.2)
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
        for _ in range(6):
            scene.engine.faults.set(Fault(kind=Kind.DOWN))
            await asyncio.sleep(0.25)
            scene.engine.faults.clear()
            await asyncio.sleep(0.25)
        over = True

    assert all(whole(reply, stream=False) for reply in replies)
    assert len(replies) > 100
    assert len(scene.other.requests)
    assert len(scene.engine.requests) < len(scene.other.requests)  # trust comes back slowly


async def test_row_28_recovery_with_a_full_queue(free_port: Port) -> None:
    count, cap = 40, 8
    slow = Profile(pace=0.01)
    async with staged(free_port, engines=1, more="", profile=slow, max_in_flight=cap) as scene:
        scene.engine.faults.set(Fault(kind=Kind.DOWN))
        scene.stack.instance._prober.wake(scene.first)
        await eventually(lambda: scene.first.health.state is health.State.DOWN)
        most = 0

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
                most = max(most, scene.first.in_flight)
                await asyncio.sleep(0.002)

        order = [int(record.id) for record in scene.engine.requests]
        assert order == sorted(order)
        assert most == 1  # a tenth of its cap, less than one: it has only just come back


async def test_row_29_an_engine_that_refuses_everything_quickly(scene: Scene) -> None:
    scene.engine.faults.set(Fault(kind=Kind.STATUS, status=429))
    loop = asyncio.get_running_loop()
    begun = loop.time()
    late = 0

    async def client() -> None:
        nonlocal late
        while (spent := loop.time() - begun) < 2.5:
            assert whole(await scene.ask(stream=False), stream=False)
            late += spent > 1
            if spent < 1:
                before.append(len(scene.engine.requests))

    before: list[int] = []
    async with asyncio.TaskGroup() as clients:
        for _ in range(3):  # as many as the retry budget lets move at once
            clients.create_task(client())

    assert scene.first.breaker.state(scene.stack.instance.now()) is not State.CLOSED
    struck = len(scene.engine.requests) - before[-1]
    assert struck <= max(2, late / 100)  # a trial now and then
