"""The life of the process from top to bottom: sockets, engines, signals, drain, exit."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
import uvloop

from proxy.boot import engines, notify
from proxy.boot.engines import Starter, with_engines
from proxy.boot.files import allow_open_files
from proxy.boot.inherited import find
from proxy.boot.instance import Instance
from proxy.boot.lean import settle_memory
from proxy.boot.lines import Lines, straight, written
from proxy.boot.listeners import Occupied
from proxy.boot.reload import WARM
from proxy.boot.succession import Succession
from proxy.settings.load import Supply
from proxy.settings.schema import Settings

log = structlog.get_logger()


Greeter = Callable[[Settings, str], Coroutine[Any, Any, None]]


def serve(supply: Supply, *, stand_in: Starter | None = None, greet: Greeter | None = None) -> int:
    """Serve until told to stop; return the exit code.

    The settings are read again from `supply` at SIGHUP and when its files change. `stand_in` starts
    engines if neither the settings nor this machine have any; then one process serves, whatever the
    settings say. `greet` runs once the proxy is up; the words it is given say which engines serve.
    """
    settings = supply.loaded.settings
    workers = settings.workers or _cores()
    try:
        if workers > 1 and stand_in is None:
            return _together(supply, workers)
        with written(settings) as lines:
            return uvloop.run(_alone(supply, lines, stand_in, greet))
    except Occupied as error:
        with written(settings):
            log.critical("cannot listen", address=error.address, reason=error.reason)
        return 1


def _cores() -> int:
    """Return how many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # macOS has none
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def _together(supply: Supply, workers: int) -> int:
    """Serve with several processes."""
    from proxy.boot.board import Board  # noqa: PLC0415 - who serves alone needs none of it
    from proxy.boot.processes import Estate, serve  # noqa: PLC0415 - same

    settings = supply.loaded.settings
    straight(settings)
    open_files = allow_open_files()
    inherited = find(os.environ, os.getpid())
    mode = settings.socket_mode
    client, admin = inherited.listen(settings.listen, mode), inherited.listen(settings.admin, mode)
    inherited.close()
    settings, words, _ = uvloop.run(with_engines(settings, None))
    if not (settings.backends or settings.discovery.sources):
        return engines.none(settings)
    return serve(
        Estate(
            supply=supply,
            settings=settings,
            inherited=inherited,
            client=client,
            admin=admin,
            workers=workers,
            board=Board(workers),
            words=words,
            open_files=open_files,
        )
    )


async def _alone(
    supply: Supply, lines: Lines, stand_in: Starter | None, greet: Greeter | None
) -> int:
    settings = supply.loaded.settings
    open_files = allow_open_files()
    inherited = find(os.environ, os.getpid())
    mode = settings.socket_mode
    client, admin = inherited.listen(settings.listen, mode), inherited.listen(settings.admin, mode)
    inherited.close()
    sockets = {str(settings.listen): client, str(settings.admin): admin}
    settings, words, started = await with_engines(settings, stand_in)
    if not (settings.backends or settings.discovery.sources):
        return engines.none(settings)
    instance = Instance(settings, lines.out, err=lines.err, render=lines.access, supply=supply)
    orders = _Orders(instance)
    try:
        await instance.start(client, admin, WARM if inherited.unhurried else 0.0)
        settle_memory()
        if stand_in is None:  # engines of a demonstration end with this process
            orders.succession(Succession(sockets, orders.handed_over))
        inherited.serving()
        notify.ready(os.getpid())
        log.info(
            "serving",
            listen=str(settings.listen),
            admin=str(settings.admin),
            engines=words,
            open_files=open_files,
        )
        await _until_told(orders.stop, greet(settings, words) if greet is not None else None)
        if orders.handed:
            instance.close_admin()
        await asyncio.shield(instance.begin_drain(handed_over=orders.handed))
    finally:
        await instance.stop()
        if started is not None:
            await started.stop()
    log.info("stopped")
    return 0


async def _until_told(stop: asyncio.Event, greeting: Coroutine[Any, Any, None] | None) -> None:
    """Wait for the signal to stop; the greeting goes on beside it and ends with it."""
    if greeting is None:
        await stop.wait()
        return
    task = asyncio.get_running_loop().create_task(greeting, name="greeting")
    await stop.wait()
    task.cancel()


class _Orders:
    """What signals ask for. `stop` is set by the first SIGTERM or SIGINT, or by a successor.

    The next signal cuts the drain short.
    """

    __slots__ = ("_instance", "_loop", "_succession", "handed", "stop")

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._succession: Succession | None = None
        self._loop = asyncio.get_running_loop()
        self.stop = asyncio.Event()
        self.handed = False
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._told)
        self._loop.add_signal_handler(signal.SIGHUP, instance.reloader.request, "SIGHUP")

    def succession(self, succession: Succession) -> None:
        """Start successors at SIGUSR2 from now on."""
        self._succession = succession
        self._loop.add_signal_handler(signal.SIGUSR2, self._succeed)

    def handed_over(self) -> None:
        """Hear that a successor serves."""
        self.handed = not self.stop.is_set()
        self.stop.set()

    def _succeed(self) -> None:
        assert self._succession is not None
        if self.stop.is_set():
            log.warning("no successor is started: this process is stopping")
            return
        self._succession.request()

    def _told(self) -> None:
        if self.stop.is_set():
            log.warning("told to stop again: running requests are broken off")
            self._instance.hurry()
        self.stop.set()
