"""Waiting until backends are known, where somebody else serves meanwhile."""

import asyncio
from collections.abc import Iterable
from typing import Final

from proxy.core.backend import Backend
from proxy.core.health import State

LOOK: Final = 0.02  # seconds between two looks


async def checked(backends: Iterable[Backend], seconds: float) -> None:
    """Return when all have been checked once, or after so many seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while any(each.health.state is State.UNKNOWN for each in backends):
        if loop.time() >= until:
            return
        await asyncio.sleep(LOOK)
