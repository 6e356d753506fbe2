"""Orders for one backend: take it out of use for maintenance, and put it back.

    POST /backends/{name}/drain     nothing new is sent there; ?wait=5m answers when it is idle
    POST /backends/{name}/resume    it is used again; ?wait=30s answers when it is

Both may be given twice: the second one finds what it asks for done.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from aiohttp import web

from proxy.core.backend import Backend
from proxy.edge import orders
from proxy.settings import units

DRAIN: Final = "/backends/{name}/drain"
RESUME: Final = "/backends/{name}/resume"
PATHS: Final = (DRAIN, RESUME)
LOOK: Final = 0.05  # seconds between two looks at what is waited for


class Upkeep(Protocol):
    """Who carries these orders out (`boot.upkeep.Upkeep`)."""

    def drain(self, backend: Backend) -> None:
        """Send nothing new there until `resume`."""
        ...

    def resume(self, backend: Backend) -> str:
        """End that; return why it stays out of use all the same, or an empty string."""
        ...


class View(Protocol):
    """What is looked at."""

    def backends(self) -> Sequence[Backend]:
        """Return the backends in use."""
        ...

    def now(self) -> float:
        """Return the time."""
        ...


def add(app: web.Application, view: View, upkeep: Upkeep) -> None:
    """Add the pages to `app`."""
    desk = _Desk(view, upkeep)
    app.router.add_post(DRAIN, orders.guarded(desk.drain))
    app.router.add_post(RESUME, orders.guarded(desk.resume))


class _Desk:
    """The handlers."""

    def __init__(self, view: View, upkeep: Upkeep) -> None:
        self._view = view
        self._upkeep = upkeep

    async def drain(self, request: web.Request) -> web.Response:
        return await self._carry_out(request, self._upkeep.drain, lambda one: not one.in_flight)

    async def resume(self, request: web.Request) -> web.Response:
        now = self._view.now
        return await self._carry_out(request, self._upkeep.resume, lambda one: one.available(now()))

    async def _carry_out(
        self,
        request: web.Request,
        order: Callable[[Backend], str | None],
        done: Callable[[Backend], bool],
    ) -> web.Response:
        name, wait = request.match_info["name"], request.query.get("wait", "0")
        here = {backend.name: backend for backend in self._view.backends()}
        backend = here.get(name)
        if backend is None:
            known = ", ".join(here) or "none at all"
            return orders.answer({"error": f"no backend {name[:100]!r}, but {known}"}, status=404)
        try:
            seconds = units.duration(wait)
        except ValueError as error:
            return orders.answer({"error": f"wait={wait[:40]}: {error}"}, status=400)
        if why := order(backend):
            return orders.answer({"error": f"{name}: {why}"}, status=409)
        over = await _until(lambda: done(backend), seconds)
        health = backend.health
        shown = {
            "backend": name,
            "state": health.state.value,
            "reason": health.reason,
            "in_flight": backend.in_flight,
        }
        return orders.answer(shown, status=200 if over else 202)


async def _until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so, at most so long; tell whether it is."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while not done():
        left = until - loop.time()
        if left <= 0.0:
            return False
        await asyncio.sleep(min(LOOK, left))
    return True
