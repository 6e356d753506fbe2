"""The dashboard: a page, its script and style as files of this package, and what they show.

    GET /                     leads to the page
    GET /dashboard            the page; its files are below it
    GET /fleet                one document: everything the page shows
    GET /fleet/feed           the same once a second, as server-sent events
    GET /fleet/request?id=    one ended request

Nothing is fetched from elsewhere and nothing can be changed here. The policy sent with the page
lets the browser load its own files and nothing else, and run no script that stands in the page.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import orjson
from aiohttp import web

from proxy.edge import portrait, waterfall
from proxy.edge.feed import Feed
from proxy.edge.orders import answer
from proxy.edge.portrait import Scene

PAGE: Final = "/dashboard"
FLEET: Final = "/fleet"
PATHS: Final = (PAGE, FLEET, f"{FLEET}/feed", f"{FLEET}/request")
FOLDER: Final = Path(__file__).with_name("pages")
# The files in it, and what they are sent as.
FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dashboard.html": "text/html; charset=utf-8",
        "dashboard.css": "text/css; charset=utf-8",
        "dashboard.js": "text/javascript; charset=utf-8",
        "fleet.js": "text/javascript; charset=utf-8",
        "requests.js": "text/javascript; charset=utf-8",
        "elements.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
    }
)
HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
            " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
)


def add(app: web.Application, scene: Scene, status: Callable[[], Mapping[str, object]]) -> None:
    """Add the pages to `app`; `status` returns what /status shows."""
    board = _Board(scene, status)
    feed = Feed(board.document)
    app.router.add_get("/", _led)
    app.router.add_get(PAGE, board.page)
    app.router.add_get(PAGE + "/{name}", board.file)
    app.router.add_get(FLEET, board.fleet)
    app.router.add_get(f"{FLEET}/feed", feed.watch, allow_head=False)
    app.router.add_get(f"{FLEET}/request", board.request)
    app.on_shutdown.append(feed.close)


async def _led(_request: web.Request) -> web.Response:
    """Lead who typed the bare address to the page."""
    return web.Response(status=302, headers={"Location": PAGE})


class _Board:
    """The handlers."""

    def __init__(self, scene: Scene, status: Callable[[], Mapping[str, object]]) -> None:
        self._scene = scene
        self._status = status
        self._files: dict[str, bytes] = {}

    async def document(self) -> bytes:
        """Return the fleet as JSON, on one line."""
        return orjson.dumps(await portrait.document(self._status, self._scene))

    async def fleet(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=await self.document() + b"\n",
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    async def request(self, request: web.Request) -> web.Response:
        ident = request.query.get("id", "")
        history = self._scene.lookout.history
        call = history.find(ident)
        if call is None:
            why = "no such request among the last ones that ended; the access log has them all"
            return answer({"error": why}, status=404)
        return answer(waterfall.summary(call, history, self._scene.now()))

    async def page(self, _request: web.Request) -> web.Response:
        return await self._sent("dashboard.html")

    async def file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in FILES:
            raise web.HTTPNotFound
        return await self._sent(name)

    async def _sent(self, name: str) -> web.Response:
        body = self._files.get(name)
        if body is None:
            body = self._files[name] = await asyncio.to_thread(_read, name)
        return web.Response(body=body, headers={**HEADERS, "Content-Type": FILES[name]})


def _read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
