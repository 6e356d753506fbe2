"""Engines that answer their checks and are a burden all the same: silent, slow, unsteady.

Each test names its share of the traffic; the rules are those of the settings, with shorter times.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from proxy.core import health
from proxy.core.backend import Backend
from proxy.core.paces import Kind as Pace
from proxy.core.standing import State
from proxy.core.warming import DOUBLES, FIRST_ROOM
from tests.fixtures.chaos import Scene, staged
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving
from tests.fixtures.wire import chat, connected, port_of, post

Port = Callable[[], int]
PATIENCE = 60.0  # seconds for what takes a few looks, one a second, on a fast machine


class Fleet:
    """A proxy in front of engines of one tier."""

    def __init__(self, stack: Stack, engines: list[Engine]) -> None:
        self.stack = stack
        self.engines = engines
        self.first, *self.others = stack.instance.backends()

    async def served(self, tokens: int = 8, *, stream: bool = True) -> str:
        """Send one request and return who has answered it, whole."""
        async with connected(port_of(self.stack)) as wire:
            wire.send(post(chat(tokens, stream=stream)))
            reply = await wire.answer()
            assert reply.status == 200
            return reply.field(b"x-headrace-backend").decode()

    async def shares(self, count: int, *, clients: int = 4, stream: bool = True) -> Counter[str]:
        """Send so many requests, some at a time; return who served how many."""
        numbers = iter(range(count))

        async def client() -> list[str]:
            return [await self.served(stream=stream) for _ in numbers]

        lots = await asyncio.gather(*(client() for _ in range(clients)))
        return Counter(name for lot in lots for name in lot)

    async def busy_until(self, condition: Callable[[], bool], *, stream: bool = True) -> None:
        """Send requests until a condition holds."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self.shares(8, stream=stream)

    def silent(self) -> bool:
        return self.first.standing is State.SILENT


@asynccontextmanager
async def fleet(free_port: Port, *profiles: Profile, rules: str) -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as opened:
        engines = [await opened.enter_async_context(running(each)) for each in profiles]
        document = backends(*engines) + f"balance: {{outliers: {{{rules}}}}}\n"
        stack = await opened.enter_async_context(serving(document, free_port))
        yield Fleet(stack, engines)


@asynccontextmanager
async def hanging(fleet: Fleet, count: int, *, after: int) -> AsyncIterator[None]:
    """Hold requests at the first engine that get so many tokens and then nothing."""
    engine = fleet.engines[0]
    engine.faults.set(Fault(kind=Kind.SILENCE, after=after))
    async with AsyncExitStack() as opened:
        for _ in range(count):
            wire = await opened.enter_async_context(connected(port_of(fleet.stack)))
            wire.send(post(chat(50, stream=True), "x-headrace-backend: a"))
        await eventually(lambda: len(engine.requests) >= count)
        yield
    engine.faults.clear()
    await eventually(lambda: not fleet.first.in_flight)


@pytest.mark.setting("balance.outliers.silence")
async def test_streams_that_fall_silent_turn_others_away_long_before_the_idle_timeout(
    free_port: Port,
) -> None:
    rules = "silence: 500ms, hold: 1s"
    async with fleet(free_port, Profile(), Profile(), rules=rules) as there:
        async with hanging(there, 2, after=2):
            await eventually(there.silent, PATIENCE)
            assert there.stack.instance.settings.timeouts.idle == 120.0
            assert await there.shares(40) == {"b": 40}

        # The hold ends, and it gives no cause for another.
        await there.busy_until(lambda: there.first.standing in {State.TRIAL, State.GOOD})
        assert (await there.shares(40))["a"] > 0


async def test_a_queue_that_grows_without_a_token_turns_others_away(free_port: Port) -> None:
    rules = "silence: 500ms, samples: 3"
    async with fleet(free_port, Profile(), Profile(), rules=rules) as there:
        paces = there.stack.instance._referee._paces
        first = (MODEL, there.first.priority), Pace.FIRST, 3
        # Few calls a second are measured, so how many it takes depends on the machine.
        await there.busy_until(lambda: paces.usual(*first) is not None)
        there.engines[0].faults.set(Fault(kind=Kind.HANG))
        async with AsyncExitStack() as opened:
            for _ in range(3):
                wire = await opened.enter_async_context(connected(port_of(there.stack)))
                wire.send(post(chat(4, stream=True), "x-headrace-backend: a"))

            await eventually(there.silent, PATIENCE)

            assert await there.shares(40) == {"b": 40}


@pytest.mark.setting("balance.outliers.slowness", "balance.outliers.samples")
async def test_one_far_slower_than_its_peers_gets_next_to_nothing(free_port: Port) -> None:
    # Sixteen times: a machine that is late by 20 ms at each token still leaves more than 2.5.
    slow, well = Profile(pace=0.048, prefill=0.12), Profile(pace=0.003, prefill=0.0075)
    rules = "slowness: 2.5, samples: 5, hold: 200s"
    async with fleet(free_port, slow, well, well, rules=rules) as there:
        await there.busy_until(lambda: there.first.standing is State.SLOW)

        shares = await there.shares(60, clients=2)

        assert shares["a"] <= 3  # of 60; an equal share is 20
        assert there.first.slowness > 2.0
        assert [each.aside for each in there.others] == [False, False]


@pytest.mark.setting("balance.outliers.slowness")
async def test_plain_answers_tell_who_is_slow_too(free_port: Port) -> None:
    slow, well = Profile(pace=0.064), Profile(pace=0.002)
    async with fleet(free_port, slow, well, rules="samples: 5, hold: 200s") as there:
        await there.busy_until(lambda: there.first.standing is State.SLOW, stream=False)

        shares = await there.shares(40, clients=2, stream=False)

        assert shares["a"] <= 2


@pytest.mark.setting("balance.outliers.slowness")
async def test_with_the_rule_off_its_pace_makes_no_difference(free_port: Port) -> None:
    slow, well = Profile(pace=0.008), Profile(pace=0.002)
    async with fleet(free_port, slow, well, rules="slowness: null, samples: 3") as there:
        for _ in range(5):
            await there.shares(8)
            there.stack.instance._tell()
            there.stack.instance._tend()

        assert (there.first.standing, there.first.slowness) == (State.GOOD, 1.0)


@pytest.mark.setting("balance.outliers.share")
@pytest.mark.parametrize(("share", "aside"), [("0.34", 1), ("0.1", 0)])
async def test_no_more_than_the_share_is_passed_over(
    free_port: Port, share: str, aside: int
) -> None:
    slow, well = Profile(pace=0.032), Profile(pace=0.001)
    rules = f"slowness: 2, samples: 3, share: {share}"
    async with fleet(free_port, slow, slow, well, well, well, rules=rules) as there:
        judged = (there.first, there.others[0])
        await there.busy_until(lambda: all(each.slowness > 2.0 for each in judged))

        found = sum(each.aside for each in there.stack.instance.backends())

        assert found == aside


async def down_and_up(there: Fleet, backend: Backend) -> None:
    """Let the first engine die and come back, and wait until the proxy has seen both."""
    there.engines[0].faults.set(Fault(kind=Kind.DOWN))
    there.stack.instance._prober.wake(backend)
    await eventually(lambda: backend.health.state is health.State.DOWN, PATIENCE)
    there.stack.instance._tend()
    there.engines[0].faults.clear()
    await eventually(lambda: backend.health.ready and backend.breaker.closed, PATIENCE)
    there.stack.instance._tend()


@pytest.mark.setting("balance.outliers.hold", "balance.outliers.max_hold")
@pytest.mark.setting("balance.outliers.flapping")
async def test_one_that_flaps_is_held_off_longer_each_time(free_port: Port) -> None:
    rules = "flapping: 60s, hold: 100s, max_hold: 200s"
    async with fleet(free_port, Profile(), Profile(), rules=rules) as there:
        file = there.stack.instance._referee._files[there.first]
        held = []
        for outage in range(4):
            await down_and_up(there, there.first)
            assert there.first.aside is (outage > 0)  # one outage is no habit
            held.append(file.standing.until - file.standing.since if outage else 0.0)

        assert await there.shares(40) == {"b": 40}
        assert 20.0 <= held[1] <= 30.0  # a quarter of the hold, spread
        assert held[2] >= 40.0
        assert file.standing.until - there.stack.instance.now() <= 60.0  # a quarter of the longest


async def test_no_herd_runs_to_an_engine_that_comes_back_without_a_cap(free_port: Port) -> None:
    count = 60
    async with staged(free_port, engines=1, more="", profile=Profile(pace=0.05)) as scene:
        scene.engine.faults.set(Fault(kind=Kind.DOWN))
        scene.stack.instance._prober.wake(scene.first)
        await eventually(lambda: scene.first.health.state is health.State.DOWN)
        async with asyncio.TaskGroup() as clients:
            for _ in range(count):
                clients.create_task(asked(scene))
            await eventually(lambda: sum(scene.stack.instance.queues().values()) == count)
            scene.engine.faults.clear()
            while len(scene.engine.requests) < count:
                since = scene.stack.instance.now() - scene.first.health.recovered_at
                assert scene.first.in_flight <= FIRST_ROOM * 2.0 ** (since / DOUBLES)
                await asyncio.sleep(0.005)


async def asked(scene: Scene) -> None:
    async with connected(scene.port) as wire:
        wire.send(post(chat(4)))
        assert (await wire.answer()).status == 200


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=Kind.STATUS, status=500),
        Fault(kind=Kind.STATUS, status=429),
        Fault(kind=Kind.CLOSE),
        Fault(kind=Kind.REFUSE),
    ],
    ids=["500", "429", "close", "refuse"],
)
async def test_one_that_fails_fast_gets_a_hundredth_at_most(free_port: Port, fault: Fault) -> None:
    async with fleet(free_port, *[Profile()] * 4, rules="slowness: null") as there:
        bad = there.engines[0]
        bad.faults.set(fault)
        await there.shares(60, clients=3)  # as many as the retry budget lets move at once

        before, begun = bad.faults.hits.copy(), there.stack.instance.now()
        shares = await there.shares(300, clients=3)

        assert shares["a"] == 0
        struck = sum(bad.faults.hits.values()) - sum(before.values())
        lasted = there.stack.instance.now() - begun
        assert struck <= 3 + lasted / 4  # of 300; an equal share is 75. A trial now and then
