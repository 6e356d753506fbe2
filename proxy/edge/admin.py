"""The admin application: is it alive, is it ready, what does it measure, what does it see.

On a listener of its own, away from the clients. Everything it shows comes from `View`; what can be
ordered here is in `edge/orders` and `edge/upkeep`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import msgspec
from aiohttp import web

from proxy.core.backend import Backend
from proxy.core.catalog import Catalog, Target
from proxy.edge import dashboard, orders, upkeep
from proxy.edge.orders import Orders
from proxy.edge.orders import answer as _json
from proxy.edge.portrait import Scene
from proxy.edge.upkeep import Upkeep
from proxy.telemetry.failures import Record
from proxy.telemetry.metrics import CONTENT_TYPE

PATHS = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/status",
    *orders.PATHS,
    *upkeep.PATHS,
    *dashboard.PATHS,
)


class Exposition(Protocol):
    """Metrics in the Prometheus text format, in two halves that make one text."""

    def parts(self) -> Iterator[bytes]:
        """Return our own metrics in short pieces: the loop breathes in between."""
        ...

    def process(self) -> bytes:
        """Return the process's metrics. It reads files, so it is called in a thread."""
        ...


class View(Scene, Protocol):
    """What the admin pages need beyond what the dashboard does. `boot` implements it."""

    @property
    def version(self) -> str:
        """The distribution's version."""
        ...

    @property
    def started_at(self) -> float:
        """When this process began to serve, on the clock of `now()`."""
        ...

    @property
    def draining(self) -> bool:
        """Whether the process has been told to stop and takes no new work soon."""
        ...

    @property
    def upkeep(self) -> Upkeep:
        """Who takes a backend out of use, and puts it back."""
        ...

    def leaving(self) -> Sequence[Backend]:
        """Return the backends that were removed while requests ran there."""
        ...

    @property
    def metrics(self) -> Exposition:
        """What a scrape gets (`telemetry.metrics.Metrics`)."""
        ...


def application(view: View, carried_out_by: Orders) -> web.Application:
    """Return the application that answers on the admin address."""
    pages = _Pages(view)
    app = web.Application(middlewares=[_in_json])
    handlers = (pages.healthz, pages.readyz, pages.metrics, pages.status)
    for path, handler in zip(PATHS, handlers, strict=False):
        app.router.add_get(path, handler)
    orders.add(app, carried_out_by)
    upkeep.add(app, view, view.upkeep)
    dashboard.add(app, view, lambda: document(view))
    return app


def unready(view: View) -> list[str]:
    """Return why no traffic should be sent here, empty if it should."""
    reasons = []
    if view.draining:
        reasons.append("draining: the process is about to stop")
    if not view.crew.serves:
        reasons.append("no worker serves yet")
    catalog, now = view.catalog(), view.now()
    names = catalog.names()
    if not view.backends():
        reasons.append("no backend is configured and none was found")
        reasons += [f"{one.name}: {what}" for one in view.sources for what in one.problems]
    elif not names:
        reasons.append("no backend has listed a model yet")
    elif not any(_routable(target, now) for name in names for target in catalog.resolve(name)):
        reasons.append("no backend that serves a model is available")
    return reasons


def _routable(target: Target, now: float) -> bool:
    return any(backend.available(now) for backend in target.candidates)


class _Pages:
    """The handlers. None waits for anything but its own reader."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def healthz(self, _request: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def readyz(self, _request: web.Request) -> web.Response:
        reasons = unready(self._view)
        if reasons:
            return _json({"status": "unready", "reasons": reasons}, status=503)
        return _json({"status": "ready"})

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        exposition = self._view.metrics
        parts = []
        for part in exposition.parts():
            parts.append(part)
            await asyncio.sleep(0)  # streams go on while the client library formats
        parts.append(await asyncio.to_thread(exposition.process))
        return web.Response(body=b"".join(parts), headers={"Content-Type": CONTENT_TYPE})

    async def status(self, _request: web.Request) -> web.Response:
        return _json(document(self._view))


def document(view: View) -> dict[str, object]:
    """Return what /status shows; docs/reference/admin-api.md describes the fields."""
    now, catalog = view.now(), view.catalog()
    reasons = unready(view)
    return {
        "version": view.version,
        "uptime_s": round(now - view.started_at, 3),
        "ready": not reasons,
        "reasons": reasons,
        "draining": view.draining,
        "in_flight": view.in_flight(),
        "client_connections": view.client_connections(),
        "queued": sum(view.queues().values()),
        "queues": dict(view.queues()),
        "workers": list(view.crew.rows()),
        "backends": [_backend(backend, catalog, view) for backend in view.backends()],
        "leaving": [
            {"name": each.name, "url": each.url, "in_flight": each.in_flight}
            for each in view.leaving()
        ],
        "discovery": [msgspec.structs.asdict(source) for source in view.sources],
        "models": [_model(name, catalog, now) for name in catalog.names()],
        "failures": [_failure(record, now) for record in reversed(view.failures())],
    }


def _backend(backend: Backend, catalog: Catalog, view: View) -> dict[str, object]:
    health, breaker, now = backend.health, backend.breaker, view.now()
    probe_at = breaker.next_probe_at
    return {
        "name": backend.name,
        "url": _without_credentials(backend.url),
        "type": backend.kind or None,
        "available": backend.available(now),
        "state": health.state.value,
        "reason": health.reason,
        "since_s": round(now - max(health.since, view.started_at), 3),
        "breaker": {
            "state": breaker.state(now).value,
            "opened": breaker.opened_count,
            "probe_in_s": None if probe_at is None else round(max(0.0, probe_at - now), 3),
        },
        "standing": backend.standing.value,
        "slowness": round(backend.slowness, 2),
        "in_flight": backend.in_flight,
        "work": round(backend.work, 1),
        "cap": backend.effective_cap,
        "weight": backend.weight,
        "priority": backend.priority,
        "models": sorted(target.model.id for target in catalog.targets_of(backend)),
    }


def _model(name: str, catalog: Catalog, now: float) -> dict[str, object]:
    targets = catalog.resolve(name)
    return {
        "id": name,
        "alias_of": [target.model.id for target in targets] if name in catalog.aliases else None,
        "routable": any(_routable(target, now) for target in targets),
        "backends": list(
            dict.fromkeys(backend.name for target in targets for backend in target.candidates)
        ),
    }


def _failure(record: Record, now: float) -> dict[str, object]:
    shown = msgspec.structs.asdict(record)
    return {"age_s": round(now - shown.pop("at"), 3)} | shown


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    if not parts.netloc:  # a Unix socket
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


@web.middleware
async def _in_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer 404 and 405 in JSON too, with the paths there are."""
    try:
        return await handler(request)
    except web.HTTPClientError as error:
        answer = _json({"error": error.reason, "paths": PATHS}, status=error.status)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
