"""A connection between two processes of one proxy: frames both ways, and the end of the other side.

What does not matter if it is lost (`droppable`) is given up while much is waiting: a process that
is stuck must not fill the memory of the others.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast

from typing_extensions import override

from proxy.boot.frames import Frame, Frames, encoded

MAX_WAITING: Final = 4 * 1024 * 1024  # bytes


class Link(asyncio.Protocol):
    """One end. `heard` takes each frame; `over` is called once when the other side is gone."""

    def __init__(self) -> None:
        self.heard: Callable[[Frame], None] = _nothing
        self.over: Callable[[], None] = _nobody
        self.closed = False
        self.ended = asyncio.Event()
        self.dropped = 0
        self._reader = Frames()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(
        cls, end: socket.socket, heard: Callable[[Frame], None], over: Callable[[], None]
    ) -> "Link":
        """Return the link over a connected socket, which it owns from now on."""
        loop = asyncio.get_running_loop()
        link = cls()
        link.heard, link.over = heard, over
        end.setblocking(False)
        await loop.create_unix_connection(lambda: link, sock=end)
        return link

    def send(self, frame: Frame, *, droppable: bool = False) -> None:
        """Send a frame; to nobody if the other side is gone."""
        transport = self._transport
        if transport is None or self.closed:
            return
        if droppable and transport.get_write_buffer_size() > MAX_WAITING:
            self.dropped += 1
            return
        transport.write(encoded(frame))

    def close(self) -> None:
        """Close it when all has been sent."""
        if self._transport is not None:
            self._transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    @override
    def data_received(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            self.heard(frame)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.ended.set()
        self.over()


def _nothing(_frame: Frame) -> None:
    return None


def _nobody() -> None:
    return None
