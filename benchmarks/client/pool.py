"""Connections kept open, and opened before they are needed.

A user of a busy service rarely pays for a connection: a pool somewhere holds it. So that no block
charges one to the proxy under test, whoever drives the load says how many requests are about to
come (`want`) and takes a line that is open already. Lines are used last in, first out; one that
has been idle for two seconds is closed, because many engines close theirs after a few.

Opening one takes the loop three steps of up to a quarter of a millisecond, and before a burst
dozens are wanted at once. So they are opened a few at a time, a little apart, and between the
steps what is due is sent: else answers would be read late, and a proxy would be charged for it.
"""

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from benchmarks.client.line import Line
from benchmarks.client.pacing import Agenda
from benchmarks.client.target import EndpointError, Target

IDLE_NS = 1_900_000_000  # gunicorn closes after 2 s, uvicorn, node and llama.cpp after 5 s
_LOOK_SECONDS = 3.0  # for one of several addresses of a host
_FEW = 8  # lines begun in one turn of the loop: 2 ms at most with all their steps
_APART_NS = 4_000_000  # between two such turns; 500 lines in a quarter of a second
_SLOW_BUFFER = 4096  # a slow reader's receive buffer: what the kernel takes for it is not slow

Opened = tuple[Line | None, str]  # a line, or None and why there is none
Ready = Callable[[Line | None, str], None]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """An address that has been looked up."""

    family: int
    place: tuple[str, int]
    name: str
    tls: bool


async def route(target: Target) -> Route:
    """Look up a target's address; of several the first that accepts a connection.

    `localhost` is often both `::1` and `127.0.0.1`, and engines listen on one of them. Raises
    EndpointError.
    """
    there = target.address()
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            there.host, there.port, type=socket.SOCK_STREAM
        )
    except OSError as problem:
        raise EndpointError(f"The host {there.host!r} cannot be found: {problem}.") from None
    routes = [
        Route(
            family=int(family),
            place=(str(place[0]), int(place[1])),
            name=there.host,
            tls=there.tls,
        )
        for family, _, _, _, place in found
    ]
    for one in routes if len(routes) > 1 else ():
        if await _accepts(one):
            return one
    return routes[0]


async def _accepts(route: Route) -> bool:
    with socket.socket(route.family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await asyncio.get_running_loop().sock_connect(sock, route.place)
        except (OSError, TimeoutError):
            return False
    return True


async def connect(
    lost: Callable[[Line], None],
    route: Route,
    context: ssl.SSLContext | None,
    agenda: Agenda,
    *,
    slow: bool = False,
) -> Line:
    """Open one line; `slow`: with the receive buffer of a slow reader.

    Between its steps it does what is due. Raises OSError, which TLS errors are too.
    """
    loop = asyncio.get_running_loop()
    agenda.catch_up()
    sock = socket.socket(route.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_BUFFER)
        await loop.sock_connect(sock, route.place)
        agenda.catch_up()
        _, line = await loop.create_connection(
            lambda: Line(lost, agenda),
            sock=sock,
            ssl=context,
            server_hostname=route.name if context is not None else None,
        )
    except BaseException:
        sock.close()
        raise
    return line


class Pool:
    """The lines to one address."""

    __slots__ = (
        "_agenda",
        "_context",
        "_idle",
        "_more",
        "_opening",
        "_route",
        "_tasks",
        "_timeout",
        "_waiting",
        "_wanted",
        "one_shot",
    )

    def __init__(
        self, route: Route, context: ssl.SSLContext | None, agenda: Agenda, *, timeout: float
    ) -> None:
        self.one_shot = False
        self._route = route
        self._agenda = agenda
        self._context = context
        self._timeout = timeout
        self._idle: list[Line] = []
        self._waiting: deque[Ready] = deque()
        self._wanted = 0
        self._opening = 0
        self._more = False  # the next few are on the agenda
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def idle(self) -> int:
        """Lines that wait for a request."""
        return len(self._idle)

    def want(self, count: int, *, at_once: bool = False) -> None:
        """Open lines until `count` wait for a request, beside those others wait for.

        Some of them now and the others within the next moments; all now if nothing runs that
        this could hold up (`at_once`).
        """
        self._wanted = count
        self._begin(count if at_once else _FEW)

    def take(self, ready: Ready) -> None:
        """Call `ready` with a line: at once if one waits, else when one has been opened."""
        self._wanted = max(0, self._wanted - 1)  # one of those that were to come
        while self._idle:
            line = self._idle.pop()
            if line.usable:
                ready(line, "")
                return
        self._waiting.append(ready)
        self._begin(0)

    def give(self, line: Line) -> None:
        """Take a line back. One that cannot be used again is closed."""
        if not line.usable:
            line.close()
        elif self._waiting:
            self._waiting.popleft()(line, "")
        else:
            line.idle_since = time.monotonic_ns()
            self._idle.append(line)

    def apart(self, *, slow: bool = False) -> asyncio.Task[Opened]:
        """Open a line that never comes into the pool."""
        task = asyncio.get_running_loop().create_task(self._open(slow=slow))
        self._keep(task)
        return task

    def drop(self, line: Line) -> None:
        """Forget an idle line that was closed by the other end."""
        if line in self._idle:
            self._idle.remove(line)

    def trim(self, now_ns: int) -> None:
        """Close what has been idle for too long."""
        kept = 0
        while kept < len(self._idle) and self._idle[kept].idle_since < now_ns - IDLE_NS:
            self._idle[kept].close()
            kept += 1
        del self._idle[:kept]

    async def settle(self) -> None:
        """Wait until all that is being opened is open, or has failed."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Close every idle line and stop opening."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in self._idle:
            line.close()
        self._idle.clear()

    def _begin(self, most: int) -> None:
        # Who waits is late already: no line is put off for him.
        waiting = len(self._waiting)
        missing = self._wanted + waiting - len(self._idle) - self._opening
        now = min(missing, max(most, waiting - self._opening))
        for _ in range(now):
            self._opening += 1
            self._keep(asyncio.get_running_loop().create_task(self._grow()))
        if missing > now and not self._more:
            self._more = True
            self._agenda.at(self._agenda.clock() + _APART_NS, self._go_on)

    def _go_on(self) -> None:
        self._more = False
        self._begin(_FEW)

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, *, slow: bool = False) -> Opened:
        try:
            async with asyncio.timeout(self._timeout):
                return await connect(
                    self.drop, self._route, self._context, self._agenda, slow=slow
                ), ""
        except TimeoutError:
            return None, f"no connection within {self._timeout:g} s"
        except OSError as problem:
            return None, f"cannot connect: {problem}"

    async def _grow(self) -> None:
        line, problem = await self._open()
        self._agenda.catch_up()
        self._opening -= 1
        if line is not None:
            self.give(line)
        elif self._waiting:
            self._waiting.popleft()(None, problem)
