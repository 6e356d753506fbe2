"""One document a second to everybody who watches, made once, and only while somebody does.

Server-sent events: a browser takes the connection up again by itself. Who reads slower than a
document a second misses some and never gets an old one: what waits to be sent is always the newest.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

INTERVAL: Final = 1.0
MOST: Final = 32  # watchers: each costs the sending of one document a second
HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # what nginx in front would otherwise do to it
}


class Feed:
    """Sends what `make` returns, a JSON text without a line end."""

    __slots__ = ("_closed", "_fresh", "_interval", "_make", "_newest", "_task", "_watchers")

    def __init__(self, make: Callable[[], Awaitable[bytes]], interval: float = INTERVAL) -> None:
        self._make = make
        self._interval = interval
        self._watchers = 0
        self._newest = b""
        self._fresh = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def watchers(self) -> int:
        """How many watch."""
        return self._watchers

    async def watch(self, request: web.Request) -> web.StreamResponse:
        """Answer one watcher until he leaves or the process ends."""
        if self._watchers >= MOST or self._closed:
            return web.json_response({"error": f"{MOST} watch already"}, status=503)
        self._watchers += 1
        answer = web.StreamResponse(headers=HEADERS)
        try:
            await answer.prepare(request)
            await self._send(answer)
        except ConnectionResetError:  # he has left
            pass
        finally:
            self._watchers -= 1
        return answer

    async def _send(self, answer: web.StreamResponse) -> None:
        if self._task is None:
            self._newest = await self._make()
        if self._task is None and not self._closed:  # nobody else has come meanwhile
            self._task = asyncio.get_running_loop().create_task(self._beat(), name="feed")
        while self._task is not None:
            fresh = self._fresh
            await answer.write(b"data: " + self._newest + b"\n\n")
            await fresh.wait()

    async def _beat(self) -> None:
        try:
            while self._watchers:
                await asyncio.sleep(self._interval)
                self._newest = await self._make()
                self._tell()
        finally:  # whatever ended it: nobody waits for a document that does not come
            self._task = None
            self._tell()

    def _tell(self) -> None:
        fresh, self._fresh = self._fresh, asyncio.Event()
        fresh.set()

    async def close(self, _app: web.Application | None = None) -> None:
        """Let all watchers go: the process ends."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
