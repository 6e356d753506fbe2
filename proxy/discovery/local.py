"""Find the engines that run on this machine, on the ports they usually take.

Only the loopback address is asked, and only what a fingerprint recognises is reported: a web
application on port 3000 or 8080 that answers anything at all is no engine.
"""

import asyncio
from collections.abc import Collection, Iterable

import msgspec

from proxy.dialects.base import Engine
from proxy.discovery.asking import Fetch, identify

LIMIT = 0.3  # seconds for one port, all its questions together


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An engine on this machine: a proposal for a `backends` entry."""

    name: str
    url: str
    type: str


class _Candidate(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    url: str


async def find_local(
    fetch: Fetch, engines: Iterable[Engine], own_ports: Collection[int], limit: float = LIMIT
) -> list[Found]:
    """Return the engines found, by port. `own_ports` are left out: they are this proxy's own."""
    known = tuple(engines)
    ports = sorted({port for engine in known for port in engine.ports}.difference(own_ports))
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_look(fetch, known, port, limit)) for port in ports]
    return [found for task in asked if (found := task.result()) is not None]


async def _look(fetch: Fetch, engines: tuple[Engine, ...], port: int, limit: float) -> Found | None:
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(limit):
            finding = await identify(fetch, _Candidate(name="", url=url), engines, limit)
    except TimeoutError:
        return None
    engine = finding.engine
    # Nothing speaks for a generic engine but its list, so an empty one is not enough.
    if engine is None or (engine.sign is None and finding.listed == 0):
        return None
    return Found(name=f"{engine.name}-{port}", url=url, type=engine.name)
