"""A load at a fixed rate, and what became of each of its requests."""

import asyncio
import time
from collections.abc import Callable

import msgspec
from typing_extensions import override

from benchmarks.driver.client import Connection
from benchmarks.driver.workload import chat, prompt

DONE = b"data: [DONE]\n\n"
PATIENCE = 20.0  # seconds until a client gives a request up


class Line(Connection):
    """A connection that knows whether it may be used again."""

    __slots__ = ("stays",)

    def __init__(self) -> None:
        super().__init__()
        self.stays = True

    @override
    def on_headers_complete(self) -> None:
        """Note what the answer says about the connection."""
        super().on_headers_complete()
        self.stays = bool(self._parser.should_keep_alive())

    @property
    def free(self) -> bool:
        """Whether another request may go on it."""
        return self.stays and self.transport is not None and not self.transport.is_closing()


class Asked(msgspec.Struct, kw_only=True):
    """One request. `error` is empty if its answer came whole; `begun`: part of it had come."""

    began: float
    ended: float = 0.0
    first: float = 0.0  # when the first bytes of the body came
    status: int = 0
    error: str = ""

    @property
    def begun(self) -> bool:
        """Whether the client had got part of an answer."""
        return bool(self.first)


async def open_line(port: int) -> Line:
    """Open a connection."""
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(Line, "127.0.0.1", port)
    return line


async def ask(line: Line, request: bytes, *, stream: bool) -> Asked:
    """Send one request on a connection and judge its answer."""
    asked = Asked(began=time.monotonic())
    done: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
    line.send(request, lambda one: None if done.done() else done.set_result(one), keep=True)
    try:
        async with asyncio.timeout(PATIENCE):
            await done
    except TimeoutError:
        line.hang_up()
        asked.error = "no answer in time"
    asked.ended = time.monotonic()
    asked.first = line.first_ns / 1e9
    asked.status = line.status
    asked.error = asked.error or line.failure or _wrong(line, stream=stream)
    return asked


def _wrong(line: Line, *, stream: bool) -> str:
    body = b"".join(piece for _, piece in line.pieces)
    whole = body.endswith(DONE) if stream else b'"usage"' in body
    return "" if line.status == 200 and whole else f"{line.status} {body[-200:]!r}"


class Sender:
    """Sends requests at a rate, every second one streamed, over connections that are kept.

    `fresh`: each over a connection of its own. `headers` go with every request.
    """

    def __init__(
        self,
        port: int,
        rate: float,
        tokens: int = 8,
        *,
        fresh: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self.over = False
        self._rate = rate
        self._port = port
        self._fresh = fresh
        text = prompt(400)
        self._requests = [
            chat(port, text, tokens=tokens, stream=stream, headers=headers)
            for stream in (False, True)
        ]
        self._free: list[Line] = []
        self._running: set[asyncio.Task[None]] = set()

    async def run(
        self, seconds: float = 3600.0, until: Callable[[], bool] = lambda: False
    ) -> list[Asked]:
        """Send until told that it is over; comes back when all have ended."""
        begin, number = time.monotonic(), 0
        while not self.over and not until() and time.monotonic() - begin < seconds:
            number += 1
            await asyncio.sleep(max(0.0, begin + number / self._rate - time.monotonic()))
            task = asyncio.ensure_future(self._one(stream=number % 2 == 0))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        await asyncio.gather(*self._running)
        for line in self._free:
            line.hang_up()
        return self.asked

    async def _one(self, *, stream: bool) -> None:
        began = time.monotonic()
        try:
            line = await self._line()
        except OSError as error:
            self.asked.append(Asked(began=began, ended=time.monotonic(), error=repr(error)))
            return
        asked = await ask(line, self._requests[stream], stream=stream)
        self.asked.append(asked)
        if line.free and not self._fresh and not line.failure:
            self._free.append(line)
        else:
            line.hang_up()

    async def _line(self) -> Line:
        while self._free:
            line = self._free.pop()
            if line.free:
                return line
        return await open_line(self._port)

    @property
    def errors(self) -> list[Asked]:
        """Return the requests whose answers did not come whole."""
        return [each for each in self.asked if each.error]
