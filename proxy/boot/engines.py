"""Which engines to serve from: of the settings, of this machine, or started for this."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from proxy.dialects.registry import probe_paths
from proxy.discovery.local import find_local
from proxy.settings.schema import BackendSettings, Settings
from proxy.upstream.fetch import HttpFetch

log = structlog.get_logger()


class StandIn(Protocol):
    """Engines that were started because none was there; `words` says what they are."""

    backends: Sequence[BackendSettings]
    words: str

    async def stop(self) -> None:
        """End them."""


Starter = Callable[[], Awaitable[StandIn]]


async def with_engines(
    settings: Settings, stand_in: Starter | None
) -> tuple[Settings, str, StandIn | None]:
    """Return the settings with the engines to use, and where those come from."""
    count, sources = len(settings.backends), settings.discovery.sources
    if count or sources:
        more = "".join(f", and those of {source.title}" for source in sources)
        return settings, f"{count} configured{more}", None
    fetch = HttpFetch(probe_paths(settings.engines.values()), {})
    own = {settings.listen.port, settings.admin.port}
    found = await find_local(fetch, settings.engines.values(), own)
    if found:
        backends = tuple(BackendSettings(name=f.name, url=f.url) for f in found)
        names = ", ".join(f"{f.type} at {f.url}" for f in found)
        return msgspec.structs.replace(settings, backends=backends), f"found {names}", None
    if stand_in is None:
        return settings, "", None
    started = await stand_in()
    settings = msgspec.structs.replace(settings, backends=tuple(started.backends))
    return settings, started.words, started


def none(settings: Settings) -> int:
    """Say that there is no engine; return the exit code."""
    ports = ", ".join(
        str(port) for port in sorted({p for e in settings.engines.values() for p in e.ports})
    )
    log.error(
        "no engine to serve from",
        looked_at=f"127.0.0.1, ports {ports}",
        next_step="name one with --backend URL or in the configuration, or try --demo",
    )
    return 1
