"""A successor for a process that serves alone: started and waited for beside the traffic."""

import asyncio
import socket
from collections.abc import Callable, Mapping

import structlog

from proxy.boot import successor
from proxy.boot.successor import PATIENCE, Successor

log = structlog.get_logger()


class Succession:
    """Starts one successor at a time; `taken` is called when one serves.

    `sockets` are the listeners by address.
    """

    __slots__ = ("_loop", "_sockets", "_taken", "_task")

    def __init__(self, sockets: Mapping[str, socket.socket], taken: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._sockets = sockets
        self._taken = taken
        self._task: asyncio.Task[None] | None = None

    def request(self) -> None:
        """Start a successor, unless one is on its way."""
        if self._task is not None and not self._task.done():
            log.warning("no successor is started: one is on its way")
            return
        self._task = self._loop.create_task(self._try(), name="succession")

    async def _try(self) -> None:
        try:
            child = await asyncio.to_thread(successor.start, self._sockets)
        except OSError as error:
            log.error("no successor could be started", reason=str(error))  # noqa: TRY400 - no bug
            return
        log.info("successor started", pid=child.pid)
        if await self._serves(child):
            log.info("successor serves: letting go", pid=child.pid)
            self._taken()
            return
        code = await asyncio.to_thread(child.wait)
        log.error("no successor: this process serves on", pid=child.pid, code=code)

    async def _serves(self, child: Successor) -> bool:
        decided = asyncio.Event()
        self._loop.add_reader(child.descriptor, decided.set)
        try:
            async with asyncio.timeout(PATIENCE):
                await decided.wait()
        except TimeoutError:
            self._loop.remove_reader(child.descriptor)
            child.give_up()
            return False
        self._loop.remove_reader(child.descriptor)
        return child.ready()
