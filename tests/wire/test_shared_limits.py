"""Replicas that count together in a real Redis: the limit holds over all of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest
import uvloop

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile
from tests.fixtures.keyed import clients
from tests.fixtures.redis_server import Store, needed, redis_server
from tests.fixtures.stack import Stack, backends, eventually, serving

Port = Callable[[], int]
pytestmark = needed
BEARER = {"authorization": "Bearer TEAM"}


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with redis_server() as found:
        yield found


class Replicas:
    """Two replicas in front of one engine."""

    def __init__(self, stacks: list[Stack], engine: Engine) -> None:
        self.stacks = stacks
        self.engine = engine

    async def ask(self, number: int) -> int:
        """Send one request to a replica."""
        body = {"model": "simulated-model", "messages": [], "max_tokens": 1}
        client = self.stacks[number].client
        async with client.post("/v1/chat/completions", json=body, headers=BEARER) as answer:
            await answer.read()
            return answer.status

    async def flood(self, times: int) -> Counter[int]:
        """Ask both at once, so many times; return the statuses.

        There is a little time between two rounds, in which refused ones cost nobody anything.
        """
        seen: Counter[int] = Counter()
        for _ in range(times):
            statuses = await asyncio.gather(self.ask(0), self.ask(1))
            seen.update(statuses)
            if 200 not in statuses:
                await asyncio.sleep(0.02)
        return seen

    def up(self) -> list[bool]:
        """Return whether each replica hears from the store."""
        return [stack.instance._keys._leasing.up for stack in self.stacks]  # type: ignore[union-attr]

    def left(self) -> list[int]:
        """Return what each knows of the places that nobody has."""
        leased = [stack.instance._keys._leasing for stack in self.stacks]
        return [one.places.holds["team"].left for one in leased if one is not None]


def document(engine: Engine, store: Store, limits: str, shared: str = "") -> str:
    return (
        f"{backends(engine)}log: {{access: false}}\n{clients(team=limits)}"
        f"  shared: {{url: '{store.url}', replicas: 2{shared}}}\n"
    )


async def replicas(
    stack: AsyncExitStack,
    store: Store,
    port: Port,
    limits: str,
    shared: str = "",
    *,
    pace: float = 0.0,
) -> Replicas:
    engine = await stack.enter_async_context(running(Profile(pace=pace)))
    served = [
        await stack.enter_async_context(serving(document(engine, store, limits, shared), port))
        for _ in range(2)
    ]
    return Replicas(served, engine)


@pytest.mark.slow
@pytest.mark.setting("keys.shared.url", "keys.shared.prefix")
async def test_600_requests_a_minute_over_two_replicas(store: Store, free_port: Port) -> None:
    if not isinstance(asyncio.get_running_loop(), uvloop.Loop):
        pytest.skip("once is enough: hundreds of requests take their time")
    async with AsyncExitStack() as stack:
        both = await replicas(stack, store, free_port, "requests_per_minute: 600")

        seen: Counter[int] = Counter()
        quiet = False
        async with asyncio.timeout(50):  # all of it within a minute
            # Until neither gets anything, however often leases are exchanged.
            while not quiet:
                round_ = await both.flood(30)
                seen += round_
                quiet = not round_[200]
        # What arrives before the store has answered for the first time may come on top.
        assert 588 <= seen[200] <= 612


async def test_what_one_replica_leaves_the_other_may_have(store: Store, free_port: Port) -> None:
    async with AsyncExitStack() as stack:
        both = await replicas(stack, store, free_port, "requests_per_minute: 40")
        served = 0
        async with asyncio.timeout(30):
            while served < 38:  # more than its half
                served += await both.ask(0) == 200
                await asyncio.sleep(0.01)
        await eventually(lambda: both.stacks[1].instance.in_flight() == 0)

        rest = [await both.ask(1) for _ in range(10)]

        assert rest.count(200) <= 20  # its share, before it has heard from the store


@pytest.mark.setting("keys.shared.replicas")
async def test_without_the_store_each_replica_allows_its_share(
    store: Store, free_port: Port
) -> None:
    async with AsyncExitStack() as stack:
        both = await replicas(stack, store, free_port, "requests_per_minute: 40")
        assert await both.ask(0) == 200
        await store.stop()
        await both.ask(0)
        await both.ask(1)
        await eventually(lambda: not any(both.up()))

        seen = await both.flood(30)

        assert seen[200] + seen[429] == 60
        assert 35 <= seen[200] <= 40  # two halves, without what was asked before

        await store.start()
        await eventually(lambda: all(both.up()))


@pytest.mark.setting("keys.shared.away")
async def test_without_the_store_keys_with_limits_may_be_refused(
    store: Store, free_port: Port
) -> None:
    async with AsyncExitStack() as stack:
        limits = "requests_per_minute: 40"
        both = await replicas(stack, store, free_port, limits, ", away: refuse")
        assert await both.ask(0) == 200

        await store.stop()
        await both.ask(0)
        await eventually(lambda: not both.up()[0])
        assert await both.ask(0) == 503

        await store.start()
        await eventually(lambda: both.up()[0])
        assert await both.ask(0) == 200


async def test_a_store_that_hangs_holds_up_no_request(store: Store, free_port: Port) -> None:
    async with AsyncExitStack() as stack:
        both = await replicas(stack, store, free_port, "requests_per_minute: 1000")
        assert await both.ask(0) == 200
        assert store._process is not None
        store._process.send_signal(19)  # SIGSTOP
        try:
            async with asyncio.timeout(30):
                seen = [await both.ask(0) for _ in range(50)]
            assert seen == [200] * 50
            await eventually(lambda: not both.up()[0])
            assert await both.ask(0) == 200
        finally:
            store._process.send_signal(18)


async def test_a_budget_is_spent_by_all(store: Store, free_port: Port) -> None:
    async with AsyncExitStack() as stack:
        both = await replicas(stack, store, free_port, "budget_tokens: 400")
        guards = [each.instance._course.guard for each in both.stacks]
        assert await both.ask(0) == 200
        accounts = [guard.accounts["team"] for guard in guards]  # type: ignore[union-attr]
        await eventually(lambda: accounts[0].spent.tokens > 0)
        for each in both.stacks:
            each.instance._keys._leasing._spent_at = 0.0  # type: ignore[union-attr]
            await each.instance._keys._leasing.exchange()  # type: ignore[union-attr]

        assert accounts[0].spent == accounts[1].spent


class Streams:
    """Streams that go on until they are closed."""

    def __init__(self, both: Replicas) -> None:
        self._both = both
        self.open: list[list[aiohttp.ClientResponse]] = [[], []]

    async def ask(self, number: int) -> int:
        """Begin one at a replica."""
        body = {"model": "simulated-model", "messages": [], "max_tokens": 100_000, "stream": True}
        client = self._both.stacks[number].client
        answer = await client.post("/v1/chat/completions", json=body, headers=BEARER)
        if answer.status == 200:
            self.open[number].append(answer)
        else:
            answer.close()
        return answer.status

    async def fill(self, number: int, count: int) -> None:
        """Ask until so many run at a replica."""
        async with asyncio.timeout(30):
            while len(self.open[number]) < count:
                await self.ask(number)
                await asyncio.sleep(0.01)

    def close(self) -> None:
        """End all."""
        for answer in [*self.open[0], *self.open[1]]:
            answer.close()
        self.open = [[], []]


async def streaming(stack: AsyncExitStack, store: Store, port: Port) -> tuple[Replicas, Streams]:
    both = await replicas(stack, store, port, "concurrency: 6", pace=0.2)
    streams = Streams(both)
    stack.callback(streams.close)
    return both, streams


async def test_requests_at_once_hold_over_replicas(store: Store, free_port: Port) -> None:
    async with AsyncExitStack() as stack:
        both, streams = await streaming(stack, store, free_port)

        await streams.fill(0, 4)  # more than its half
        await streams.fill(1, 2)
        refused = [await streams.ask(number) for number in (0, 1) * 4]
        assert refused == [429] * 8

        # What ends at one may begin at the other.
        for answer in streams.open[0]:
            answer.close()
        await eventually(lambda: both.stacks[0].instance.in_flight() == 0)
        await streams.fill(1, 5)
        assert len(streams.open[1]) == 5


@pytest.mark.slow
async def test_who_falls_silent_holds_its_places_for_seconds_only(
    store: Store, free_port: Port
) -> None:
    async with AsyncExitStack() as stack:
        both, streams = await streaming(stack, store, free_port)
        await streams.fill(0, 5)
        assert [await streams.ask(1), await streams.ask(1)] != [200, 200]

        both.stacks[0].instance._keys._leasing._task.cancel()  # type: ignore[union-attr]

        await streams.fill(1, 6)


async def test_without_the_store_requests_at_once_are_shares(store: Store, free_port: Port) -> None:
    async with AsyncExitStack() as stack:
        both, streams = await streaming(stack, store, free_port)
        await streams.fill(0, 2)
        await store.stop()
        await eventually(lambda: not both.up()[0])
        await streams.fill(0, 3)
        await streams.fill(1, 3)

        async def full() -> bool:
            return [await streams.ask(number) for number in (0, 1)] == [429, 429]

        assert await full()
        await store.start()
        # What runs is told to a store that has forgotten everything.
        await eventually(lambda: all(both.up()) and both.left() == [0, 0])
        assert await full()
