"""Hedging over real sockets: a second engine is asked, the loser sees its connection cut."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving

Port = Callable[[], int]


@asynccontextmanager
async def pair(free_port: Port, rules: str) -> AsyncIterator[tuple[Stack, list[Engine]]]:
    async with running(Profile()) as a, running(Profile()) as b:
        document = backends(a, b) + f"models: {{hedge: {{{MODEL}: {{{rules}}}}}}}\n"
        async with serving(document, free_port) as stack:
            yield stack, [a, b]


async def ask(stack: Stack, *, stream: bool) -> tuple[str, str]:
    """Return who served, and how many attempts were made."""
    async with stack.ask(stream=stream, max_tokens=4) as answer:
        assert answer.status == 200
        text = await answer.text()
        assert text.endswith("data: [DONE]\n\n") if stream else '"object"' in text
        return answer.headers["x-headrace-backend"], answer.headers["x-headrace-attempts"]


async def page(stack: Stack) -> str:
    admin = stack.instance.settings.admin
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://{admin.host}:{admin.port}/metrics") as answer,
    ):
        return await answer.text()


@pytest.mark.setting("models.hedge.*.delay")
@pytest.mark.parametrize("stream", [True, False])
async def test_a_second_engine_answers_when_the_first_does_not_begin(
    free_port: Port, stream: bool
) -> None:
    async with pair(free_port, "delay: 100ms, budget: 0.5") as (stack, engines):
        for _ in range(8):
            await ask(stack, stream=stream)
        first = engines[0]
        first.faults.set(Fault(kind=Kind.HANG))

        served = []
        while (hedged := first.faults.hits.get("hang", 0)) < 2:  # equals are chosen by lot
            served.append(await ask(stack, stream=stream))

        assert {name for name, _ in served} == {"b"}
        assert sum(attempts == "2" for _, attempts in served) >= hedged
        assert 'headrace_hedges_total{outcome="won"}' in await page(stack)
        assert not stack.instance.backends()[0].in_flight
        pools = [side.pool for side in stack.instance._fleet.sides.values()]
        await eventually(lambda: all(pool.open == len(pool._idle) for pool in pools))


@pytest.mark.setting("models.hedge.*.budget")
async def test_hedges_stay_within_their_share(free_port: Port) -> None:
    async with pair(free_port, "delay: 1ms, budget: 0.1") as (stack, engines):
        for engine in engines:
            engine.faults.set(Fault(kind=Kind.DELAY, seconds=0.02))

        served = [await ask(stack, stream=True) for _ in range(20)]

        assert sum(attempts == "2" for _, attempts in served) == 2
        assert 'outcome="no_budget"' in await page(stack)
        await eventually(lambda: not any(each.in_flight for each in stack.instance.backends()))
