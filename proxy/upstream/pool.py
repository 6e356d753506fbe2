"""The connections of one backend: taken, put back, dialled, expired; counted, never scanned.

Last in, first out: the warmest connection is used, the others age and are closed below the engine's
own idle limit (5 s for most; a POST that races that close is lost otherwise). A connection retires
after `max_requests` exchanges, before the engine would close it.

An engine that says more than it was asked may say it a moment later, too, when its connection
carries another client's call already: there its words would pass for that call's answer. So
for `WARY` seconds after each such word none of its connections is used twice.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
from typing_extensions import override

from proxy.core.failure import Failure
from proxy.settings.seals import Seal
from proxy.upstream.connect import Endpoint, dial, dropped, refusal
from proxy.upstream.exchange import Connection
from proxy.upstream.framing import parse_head
from proxy.upstream.sips import Cup
from proxy.upstream.state import State
from proxy.upstream.whereabouts import Whereabouts

if TYPE_CHECKING:
    from proxy.upstream.framing import ResponseHead


WARY: Final = 600.0  # seconds


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often a connection is used. Times in seconds."""

    idle: float = 4.0
    max_requests: int = 0  # 0 = no limit
    hidden: frozenset[bytes] = frozenset()  # headers of answers to cut; `*` ends a prefix


class Dial:
    """A connection being opened. `cancel` leaves no trace: neither callback is called any more."""

    __slots__ = ("_failed", "_make", "_pool", "_ready", "_task", "cancelled")

    def __init__(
        self,
        pool: "Pool",
        ready: Callable[[Connection], None],
        failed: Callable[[Failure], None],
        make: "Callable[[Pool], Connection]" = Connection,
    ) -> None:
        self._pool = pool
        self._make = make
        self._ready = ready
        self._failed = failed
        self.cancelled = False
        self._task = asyncio.get_running_loop().create_task(self._run(), name="dial")

    def cancel(self) -> None:
        """Give up."""
        self.cancelled = True
        self._task.cancel()

    async def _run(self) -> None:
        pool = self._pool
        try:
            connection = await dial(pool.endpoint, pool.there, lambda: self._make(pool), pool.seal)
        except (OSError, UnicodeError) as error:  # the latter for a host no name can be
            if not self.cancelled:
                self._failed(refusal(error, pool.endpoint))
            return
        if self.cancelled:
            connection.close()
        elif connection.state is State.CLOSED or connection.transport.is_closing():
            # Accepted and dropped before we could speak: a request written now would wait for ever.
            self._failed(dropped(pool.endpoint))
        else:
            self._ready(connection)


class Pool:
    """All connections to one backend."""

    __slots__ = (
        "_idle",
        "_most",
        "_policy",
        "_wary_until",
        "below",
        "cup",
        "endpoint",
        "heads",
        "now",
        "open",
        "opened",
        "prefix",
        "seal",
        "there",
    )

    def __init__(
        self, endpoint: Endpoint, *, now: Callable[[], float], api_key: str | None = None
    ) -> None:
        self.endpoint = endpoint
        self.below = endpoint.below.encode()
        self.there = Whereabouts(endpoint.host, endpoint.port)
        self.now = now
        self._policy = Policy()
        self._most = 0  # exchanges of a connection; 0 = no limit
        self._wary_until = 0.0  # 0 = it is trusted
        self.heads: dict[
            tuple[bytes, bytes], ResponseHead
        ] = {}  # recognised response heads, see exchange
        self.prefix = b""
        self.authorise(api_key)
        self._idle: list[Connection] = []
        self.cup = Cup()
        self.open = 0
        self.opened = 0  # ever
        self.seal: Seal | None = None  # for connections from now on; None = no TLS

    @override
    def __repr__(self) -> str:
        """Show the counters."""
        return f"<Pool {self.endpoint} open={self.open} idle={len(self._idle)}>"

    @property
    def policy(self) -> Policy:
        """Return how connections are used."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._policy = policy
        self._most = 1 if self._wary_until else policy.max_requests
        self.heads.clear()

    def authorise(self, api_key: str | None) -> None:
        """Send `api_key` with every request from the next one on; None = none."""
        # Sent first in every request: the engine's own authority and our credentials for it.
        self.prefix = b"host: %b\r\n" % self.endpoint.authority.encode()
        if api_key:
            self.prefix += b"authorization: Bearer %b\r\n" % api_key.encode()

    def take(self, now: float) -> Connection | None:
        """Return the warmest usable idle connection, or None: then `dial`."""
        idle = self._idle
        if not idle:
            return None
        oldest_use = now - self._policy.idle
        while idle:
            connection = idle.pop()
            if connection.idle_since > oldest_use and not connection.transport.is_closing():
                return connection
            connection.close()
        return None

    def dial(
        self,
        ready: Callable[[Connection], None],
        failed: Callable[[Failure], None],
        make: "Callable[[Pool], Connection]" = Connection,
    ) -> Dial:
        """Open a new connection and call exactly one of the two, unless cancelled."""
        return Dial(self, ready, failed, make)

    def made(self) -> None:
        """Count a connection that stands."""
        self.opened += 1
        self.open += 1

    def head_of(self, raw: bytes) -> "ResponseHead":
        """Return an engine's head as the client may see it. Raises `framing.BadResponse`."""
        return parse_head(raw, self._policy.hidden)

    def put(self, connection: Connection) -> None:
        """Take a connection back after a good exchange."""
        limit = self._most
        if connection.transport.is_closing() or (limit and connection.used >= limit):
            connection.close()
            return
        connection.idle_since = self.now()
        self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        self.open -= 1
        if connection.state is State.IDLE and connection in self._idle:
            self._idle.remove(connection)  # the engine closed it
        if connection.surplus:
            self._distrust()

    def _distrust(self) -> None:
        """Use no connection twice for a while, none of those that are idle now either."""
        self._wary_until = self.now() + WARY
        self._most = 1
        self._close_idle()

    def _close_idle(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def expire(self) -> None:
        """Close what has been idle for too long; called about once a second."""
        now = self.now()
        if self._wary_until and now >= self._wary_until:
            self._wary_until = 0.0
            self._most = self._policy.max_requests
        oldest_use = now - self._policy.idle
        idle = self._idle
        stale = 0
        # Oldest first: put appends, take pops the end.
        while stale < len(idle) and idle[stale].idle_since <= oldest_use:
            stale += 1
        expired, self._idle = idle[:stale], idle[stale:]
        for connection in expired:
            if connection.state is not State.CLOSED:
                connection.close()

    def close(self) -> None:
        """Close every idle connection, and the others when their exchanges have ended."""
        self.policy = Policy(max_requests=1)
        self._close_idle()
