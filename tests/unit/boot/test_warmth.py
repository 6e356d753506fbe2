"""Waiting for backends to be checked ends with the last check, or with the patience."""

import asyncio

from proxy.boot.warmth import checked
from proxy.core.backend import Backend
from proxy.core.breaker import Breaker
from proxy.core.breaker import Policy as BreakerPolicy
from proxy.core.health import Health, Policy


def backend() -> Backend:
    breaker = Breaker(BreakerPolicy(), lambda: 0.5)
    return Backend("a", "", breaker=breaker, health=Health(Policy()))


async def test_it_ends_when_all_have_been_checked() -> None:
    both = [backend(), backend()]
    waiting = asyncio.get_running_loop().create_task(checked(both, 60.0))
    both[0].health.probed(ok=True, now=1.0, reason="")
    await asyncio.sleep(0)
    assert not waiting.done()

    both[1].health.probed(ok=False, now=1.0, reason="refused")

    async with asyncio.timeout(5):
        await waiting


async def test_it_does_not_wait_for_ever() -> None:
    await checked([backend()], 0.0)
