"""Ask an address what it is, whether it is ready and what it serves.

The dialogues are data of `dialects`; here they meet a `Fetch`. Nothing is remembered between calls.
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from proxy.core.failure import Failure, Kind, Origin
from proxy.dialects.base import MISSING_PATH, Engine, Listing, Reply
from proxy.dialects.detect import Finding, steps

# Nobody listens there any more: whoever answers next may be another engine.
_VANISHED = frozenset({Kind.CONNECT_REFUSED, Kind.CONNECT_FAILED, Kind.CONNECT_TLS, Kind.CLOSED})


class Peer(Protocol):
    """Something with an address: `http(s)://host:port` or `unix:///path`."""

    @property
    def url(self) -> str:
        """Where it listens."""


class Fetch(Protocol):
    """A control-plane GET. A foreign exception has become a `Failure` whose detail is a reason."""

    async def __call__(self, peer: Peer, path: str, timeout: float) -> Reply | Failure:
        """Return the complete reply of `peer`, or why there is none after at most `timeout` s."""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an engine takes requests: `reason` is "" if so. `doubtful`: it may be another one.

    `unasked`: nobody knows, because this proxy itself could not ask.
    """

    reason: str = ""
    doubtful: bool = False
    unasked: bool = False


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine serves. `capacity`: how many requests it runs at once, None if it won't say.

    `reply` is the raw listing, from which the engine's identity shows.
    """

    listing: Listing
    reply: Reply
    capacity: int | None = None


async def identify(fetch: Fetch, peer: Peer, engines: Iterable[Engine], timeout: float) -> Finding:
    """Find out which engine answers. `timeout` bounds each of its two or three requests."""
    dialogue = steps(engines)
    path = next(dialogue)
    while True:
        reply = await fetch(peer, path, timeout)
        try:
            path = dialogue.send(reply)
        except StopIteration as end:
            finding: Finding = end.value
            return finding


async def readiness(fetch: Fetch, peer: Peer, engine: Engine, timeout: float) -> Readiness:
    """Ask the cheapest question that tells whether `engine` takes requests."""
    reason = "no readiness path"
    for probe in engine.ready:
        reply = await fetch(peer, probe.path, timeout)
        if isinstance(reply, Failure):
            return Readiness(
                reason=reply.detail,
                doubtful=reply.kind in _VANISHED,
                unasked=reply.origin is Origin.PROXY,
            )
        reason = probe.judge(reply)
        if reply.status not in MISSING_PATH:
            return Readiness(reason=reason)
    return Readiness(reason=reason, doubtful=True)


async def serving(fetch: Fetch, peer: Peer, engine: Engine, timeout: float) -> Serving | Failure:
    """Read the models list, and what other GETs add to it. Only the list itself must succeed."""
    reply = await fetch(peer, engine.models_path, timeout)
    if isinstance(reply, Failure):
        return reply
    listing = engine.read_models(reply)
    for part in engine.details if listing.models else ():
        more = await fetch(peer, part.path, timeout)
        if isinstance(more, Reply):
            listing = Listing(models=part.merge(listing.models, more))
    capacity = None
    if engine.capacity is not None:
        told = await fetch(peer, engine.capacity.path, timeout)
        capacity = engine.capacity.read(told) if isinstance(told, Reply) else None
    return Serving(listing=listing, reply=reply, capacity=capacity)
