"""What each process does when several serve: its way from birth to exit."""

import asyncio
import os
import signal
import socket
from functools import partial

import msgspec
import structlog
import uvloop

from proxy.boot import notify
from proxy.boot.board import Board, Seat
from proxy.boot.control import Control
from proxy.boot.frames import Applied, Frame, Snapshot
from proxy.boot.inherited import Inherited
from proxy.boot.lean import settle_memory
from proxy.boot.lines import Lines, straight, written
from proxy.boot.link import Link
from proxy.boot.reload import WARM
from proxy.boot.supervisor import GOING, HANDED_OVER, WORKER, Supervisor
from proxy.boot.worker import Worker, quieten
from proxy.core.joint import Turns
from proxy.settings.load import Supply
from proxy.settings.schema import Settings

log = structlog.get_logger()


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """What all processes have from the first. `words` say which engines serve."""

    supply: Supply
    settings: Settings
    inherited: Inherited
    client: socket.socket
    admin: socket.socket
    workers: int
    board: Board
    words: str
    open_files: int


def serve(estate: Estate) -> int:
    """Serve with several processes until told to stop; return the exit code."""
    straight(estate.settings)
    settle_memory()
    settings = estate.settings
    sockets = {str(settings.listen): estate.client, str(settings.admin): estate.admin}
    supervisor = Supervisor(
        estate.workers, sockets, partial(_control, estate), partial(_work, estate)
    )
    return supervisor.run()


# the control -----------------------------------------------------------------------------------


def _control(estate: Estate, link: socket.socket) -> int:
    with written(estate.settings) as lines:
        return uvloop.run(_controlling(estate, link, lines))


async def _controlling(estate: Estate, link: socket.socket, lines: Lines) -> int:
    return await _Controlling(estate, link, lines).run()


class _Controlling:
    """The control process and its connection to the supervisor."""

    def __init__(self, estate: Estate, link: socket.socket, lines: Lines) -> None:
        self._estate = estate
        self._link = link
        self._stop = asyncio.Event()
        self._handed_over = False
        self._welcomes: set[asyncio.Task[None]] = set()
        self._control = Control(
            estate.settings,
            lines.out,
            board=estate.board,
            supply=estate.supply,
            going=self._tell_going,
            parent=os.getppid(),
            render=lines.access,
            err=lines.err,
        )

    async def run(self) -> int:
        estate, control = self._estate, self._control
        loop = asyncio.get_running_loop()
        self._link.setblocking(False)
        loop.add_reader(self._link.fileno(), self._heard)
        loop.add_signal_handler(signal.SIGTERM, self._told)
        loop.add_signal_handler(signal.SIGHUP, control.reloader.request, "SIGHUP")
        loop.add_signal_handler(signal.SIGINT, _ignore)  # the supervisor passes it on
        warm = WARM if estate.inherited.unhurried else 0.0
        try:
            await control.serve(estate.admin, estate.workers, warm)
            settle_memory()
            estate.inherited.serving()
            notify.ready(os.getppid())
            log.info(
                "serving",
                listen=str(estate.settings.listen),
                admin=str(estate.settings.admin),
                engines=estate.words,
                workers=estate.workers,
                open_files=estate.open_files,
            )
            await self._stop.wait()
            if self._handed_over:
                control.close_admin()
            await asyncio.shield(control.begin_drain(handed_over=self._handed_over))
        finally:
            await control.stop()
        log.info("stopped")
        return 0

    def _told(self) -> None:
        if self._stop.is_set():
            log.warning("told to stop again: running requests are broken off")
            self._control.hurry()
        self._stop.set()

    def _heard(self) -> None:
        """Hear of a worker that has been started, or that the supervisor is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._link, WORKER.size, 1)
        except BlockingIOError:
            return
        if data == HANDED_OVER:
            self._handed_over = True
            self._stop.set()
        elif descriptors:
            index, pid = WORKER.unpack(data)
            end = socket.socket(fileno=descriptors[0])
            task = asyncio.get_running_loop().create_task(self._control.welcome(index, pid, end))
            self._welcomes.add(task)
            task.add_done_callback(self._welcomes.discard)
        else:
            asyncio.get_running_loop().remove_reader(self._link.fileno())
            self._stop.set()

    def _tell_going(self) -> None:
        try:
            self._link.send(GOING)
        except OSError:  # it is gone, and replaces nobody
            return


# a worker --------------------------------------------------------------------------------------


def _work(estate: Estate, index: int, end: socket.socket) -> int:
    estate.inherited.forget()
    with written(estate.settings, worker=index) as lines:
        quieten(estate.settings)
        return uvloop.run(_working(estate, index, end, lines))


async def _working(estate: Estate, index: int, end: socket.socket, lines: Lines) -> int:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, _ignore)  # the supervisor's business
    loop.add_signal_handler(signal.SIGHUP, _ignore)
    early: asyncio.Queue[Frame | None] = asyncio.Queue()
    link = await Link.open(end, early.put_nowait, lambda: early.put_nowait(None))
    first = await early.get()
    if not isinstance(first, Snapshot):
        return 1  # the control process is gone before it has said anything
    worker = Worker(
        first,
        lines.out,
        seat=Seat(estate.board, index),
        turns=Turns(index, estate.workers),
        link=link,
        render=lines.access,
        err=lines.err,
    )
    link.heard, link.over = worker.hear, worker.let_go
    loop.add_signal_handler(signal.SIGTERM, worker.let_go)
    try:
        while not early.empty():
            frame = early.get_nowait()
            worker.let_go() if frame is None else worker.hear(frame)
        await worker.serve(estate.client)
        link.send(Applied(serial=first.serial))
        settle_memory()
        await worker.ending.wait()
        await worker.drain()
    finally:
        await worker.stop()
    return 0


def _ignore() -> None:
    return None
