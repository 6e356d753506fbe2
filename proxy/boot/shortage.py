"""Files that run short: looked at on the beat, told once, before new clients are turned away."""

import resource
from collections.abc import Iterable
from typing import Final

import structlog

from proxy.edge.crowding import Crowd
from proxy.flow.course import Side

UNLIMITED: Final = 1 << 40
log: Final = structlog.get_logger()


def look(crowd: Crowd, clients: int, sides: Iterable[Side]) -> None:
    """Compare what is open with what this process may open at present."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    files = UNLIMITED if soft == resource.RLIM_INFINITY else soft
    engines = sum(side.pool.open for side in sides)
    if crowd.look(files, clients=clients, engines=engines):
        log.warning(
            "open files run short, new clients are turned away",
            limit=soft,
            clients=clients,
            engines=engines,
        )
