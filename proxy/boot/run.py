"""The life of the process from top to bottom: sockets, engines, signals, drain, exit."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec
import structlog
import uvloop

from proxy.boot.files import allow_open_files
from proxy.boot.instance import Instance
from proxy.boot.listeners import Occupied, listen
from proxy.dialects.registry import probe_paths
from proxy.discovery.fetch import HttpFetch
from proxy.discovery.local import find_local
from proxy.settings.load import Supply
from proxy.settings.schema import BackendSettings, LogFormat, Settings
from proxy.telemetry import logs
from proxy.telemetry.sink import Sink

log = structlog.get_logger()


class StandIn(Protocol):
    """Engines that were started because none was there; `words` says what they are."""

    backends: Sequence[BackendSettings]
    words: str

    async def stop(self) -> None:
        """End them."""


Starter = Callable[[], Awaitable[StandIn]]
Greeter = Callable[[Settings, str], Coroutine[Any, Any, None]]


def serve(supply: Supply, *, stand_in: Starter | None = None, greet: Greeter | None = None) -> int:
    """Serve until told to stop; return the exit code.

    The settings are read again from `supply` at SIGHUP and when its files change. `stand_in` starts
    engines if neither the settings nor this machine have any. `greet` runs once the proxy is up;
    the words it is given say which engines serve.
    """
    settings = supply.loaded.settings
    out, err = Sink(sys.stdout.fileno()), Sink(sys.stderr.fileno())
    console = settings.log.format is LogFormat.CONSOLE
    render = logs.console_renderer(colors=sys.stderr.isatty()) if console else logs.render_json
    logs.configure(err, level=settings.log.level.value, render=render)
    try:
        access = render if console else None
        make = partial(Instance, out=out, err=err, render=access, supply=supply)
        return uvloop.run(_run(settings, make, stand_in, greet))
    except Occupied as error:
        log.critical("cannot listen", address=error.address, reason=error.reason)
        return 1
    finally:
        out.close()
        err.close()


async def _run(
    settings: Settings,
    make: Callable[[Settings], Instance],
    stand_in: Starter | None,
    greet: Greeter | None,
) -> int:
    open_files = allow_open_files()
    client_socket, admin_socket = listen(settings.listen), listen(settings.admin)
    settings, words, started = await _with_engines(settings, stand_in)
    if not (settings.backends or settings.discovery.sources):
        ports = ", ".join(
            str(port) for port in sorted({p for e in settings.engines.values() for p in e.ports})
        )
        log.error(
            "no engine to serve from",
            looked_at=f"127.0.0.1, ports {ports}",
            next_step="name one with --backend URL or in the configuration, or try --demo",
        )
        return 1
    instance = make(settings)
    stop = _signals(instance)
    try:
        await instance.start(client_socket, admin_socket)
        _tune_gc()
        log.info(
            "serving",
            listen=str(settings.listen),
            admin=str(settings.admin),
            engines=words,
            open_files=open_files,
        )
        await _until_told(stop, greet(settings, words) if greet is not None else None)
        await instance.drain()
    finally:
        await instance.stop()
        if started is not None:
            await started.stop()
    log.info("stopped")
    return 0


async def _with_engines(
    settings: Settings, stand_in: Starter | None
) -> tuple[Settings, str, StandIn | None]:
    """Return the settings with the engines to use, and where those come from."""
    count, sources = len(settings.backends), settings.discovery.sources
    if count or sources:
        more = "".join(f", and those of {source.title}" for source in sources)
        return settings, f"{count} configured{more}", None
    fetch = HttpFetch(probe_paths(settings.engines.values()), {})
    try:
        own = {settings.listen.port, settings.admin.port}
        found = await find_local(fetch, settings.engines.values(), own)
    finally:
        await fetch.close()
    if found:
        backends = tuple(BackendSettings(name=f.name, url=f.url) for f in found)
        names = ", ".join(f"{f.type} at {f.url}" for f in found)
        return msgspec.structs.replace(settings, backends=backends), f"found {names}", None
    if stand_in is None:
        return settings, "", None
    started = await stand_in()
    settings = msgspec.structs.replace(settings, backends=tuple(started.backends))
    return settings, started.words, started


async def _until_told(stop: asyncio.Event, greeting: Coroutine[Any, Any, None] | None) -> None:
    """Wait for the signal to stop; the greeting goes on beside it and ends with it."""
    if greeting is None:
        await stop.wait()
        return
    task = asyncio.get_running_loop().create_task(greeting, name="greeting")
    await stop.wait()
    task.cancel()


def _signals(instance: Instance) -> asyncio.Event:
    """Return an event that the first SIGTERM or SIGINT sets; the second cuts the drain short."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        if stop.is_set():
            log.warning("told to stop again: running requests are broken off")
            instance.hurry()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    loop.add_signal_handler(signal.SIGHUP, instance.reloader.request, "SIGHUP")
    return stop


def _tune_gc() -> None:
    # What is alive now lives for ever; calls are freed by reference counts. Worth 1-2 us a request.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
