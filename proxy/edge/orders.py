"""What the admin address lets somebody do: read the settings again, begin the drain.

    GET  /config              the settings in force, secrets hidden, and what became of reloads
    POST /-/reload            as SIGHUP
    GET or POST /drain        as SIGTERM, but without the exit; ?wait=30s answers when it is over

Orders for one backend are in `edge/upkeep`.

There may be no token here, so a web page somebody looks at must not be able to give an order. It
cannot read the answers, but it can send requests: a browser gives itself away by the headers of
`BROWSER`, and no order is taken from one. A GET must be enough to drain, because the hook that
Kubernetes runs before it stops a container sends nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import orjson
from aiohttp import web

from proxy.settings import units
from proxy.settings.changes import Change
from proxy.telemetry.reloads import Result

CONFIG: Final = "/config"
RELOAD: Final = "/-/reload"
DRAIN: Final = "/drain"
PATHS: Final = (CONFIG, RELOAD, DRAIN)
BROWSER: Final = ("Origin", "Referer", "Cookie", "Sec-Fetch-Site", "Sec-Fetch-Mode")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one reading of the settings came to. `problems` are empty unless it failed."""

    result: Result
    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()


class Orders(Protocol):
    """Who carries orders out. `boot` implements it."""

    def config(self) -> Mapping[str, object]:
        """Return what /config shows."""
        ...

    async def reload(self, cause: str) -> Outcome:
        """Read the settings again; `cause` stands in the log."""
        ...

    def begin_drain(self) -> asyncio.Task[None]:
        """Begin the drain unless it has begun; what is returned ends with it."""
        ...

    def in_flight(self) -> int:
        """Return the number of requests taken in and not yet ended."""
        ...


def add(app: web.Application, orders: Orders) -> None:
    """Add the pages to `app`."""
    desk = _Desk(orders)
    app.router.add_get(CONFIG, desk.config)
    app.router.add_post(RELOAD, guarded(desk.reload))
    app.router.add_get(DRAIN, guarded(desk.drain), allow_head=False)
    app.router.add_post(DRAIN, guarded(desk.drain))


def answer(value: object, status: int = 200) -> web.Response:
    """Return a JSON answer that nobody keeps."""
    return web.Response(
        body=orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


class _Desk:
    """The handlers."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    async def config(self, _request: web.Request) -> web.Response:
        return answer(self._orders.config())

    async def reload(self, _request: web.Request) -> web.Response:
        outcome = await self._orders.reload("POST /-/reload")
        body = {
            "result": outcome.result.value,
            "changes": listed(outcome.changes),
            "needs_restart": [one.path for one in outcome.changes if one.restart],
            "problems": outcome.problems,
        }
        return answer(body, status=422 if outcome.result is Result.FAILED else 200)

    async def drain(self, request: web.Request) -> web.Response:
        wait = request.query.get("wait", "0")
        try:
            seconds = units.duration(wait)
        except ValueError as error:
            return answer({"error": f"wait={wait[:40]}: {error}"}, status=400)
        end = self._orders.begin_drain()
        done, _ = await asyncio.wait([end], timeout=seconds)
        state = "drained" if done else "draining"
        return answer(
            {"status": state, "in_flight": self._orders.in_flight()}, status=200 if done else 202
        )


def listed(changes: Sequence[Change]) -> list[dict[str, object]]:
    """Return changes as JSON shows them."""
    return [{"path": one.path, "from": one.old, "to": one.new} for one in changes]


def guarded(
    handler: Callable[[web.Request], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that takes no order from a browser."""

    async def checked(request: web.Request) -> web.Response:
        for name in BROWSER:
            if name in request.headers:
                why = f"a browser sent this ({name} is there); orders are not taken from web pages"
                return answer({"error": why}, status=403)
        return await handler(request)

    return checked
