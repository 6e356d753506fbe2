"""Who is let in, and whom a request is from: addresses at the connect, the rest at each new head.

Nothing here is in the way while nothing of it is set. A head that is repeated on its connection
costs nothing either: what it said is still noted at the connection.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from aiohttp import web
from aiohttp.http import RawRequestMessage

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.networks import Networks, address, origin
from proxy.settings.access import Allow, Cors

METHODS: Final = "GET, POST, PUT, DELETE, HEAD"
_MAX_ASKED: Final = 1024  # letters of header names that a page asks for
_TOKENS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_, ")
_EXPOSED: Final = (
    "x-request-id, x-headrace-backend, x-headrace-attempts, x-headrace-queue-ms, retry-after,"
    " x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests,"
    " x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens"
)


class Visitor(Protocol):
    """A client connection."""

    direct: str  # the host it comes from; empty for a Unix socket
    peer: str  # whom its requests are from, as the access log shows it
    dress: bytes  # header lines for its answers


class Crossing:
    """What web pages of other origins are told. `origins` are as browsers write them."""

    __slots__ = ("_any", "_max_age", "_origins")

    def __init__(self, cors: Cors) -> None:
        self._any = "*" in cors.origins
        self._origins = frozenset(cors.origins)
        self._max_age = cors.max_age

    def fields(self, sent: str | None) -> dict[str, str]:
        """Return the header fields for an answer to a page of the origin `sent`."""
        if self._any:
            return {} if sent is None else self._granted("*")
        vary = {"Vary": "Origin"}  # for caches in between: the next page may be another
        return vary | self._granted(sent) if sent in self._origins else vary

    def _granted(self, to: str | None) -> dict[str, str]:
        return {"Access-Control-Allow-Origin": str(to), "Access-Control-Expose-Headers": _EXPOSED}

    def preflight(self, request: web.BaseRequest) -> web.Response | None:
        """Answer a browser that asks before it sends; None if this is no such question."""
        fields = request.headers
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in fields:
            return None
        answer = web.Response(status=204)
        if "Access-Control-Allow-Origin" in self.fields(fields.get("Origin")):
            asked = fields.get("Access-Control-Request-Headers", "").lower()
            if len(asked) <= _MAX_ASKED and _TOKENS.issuperset(asked):
                answer.headers["Access-Control-Allow-Headers"] = asked
            answer.headers["Access-Control-Allow-Methods"] = METHODS
            answer.headers["Access-Control-Max-Age"] = f"{self._max_age:.0f}"
        return answer


class Visitors:
    """Who may connect to one listener. `refused` counts those that may not."""

    __slots__ = ("_allowed", "_proxies", "refused")

    def __init__(self, allowed: Iterable[str], proxies: Iterable[str] = ()) -> None:
        self._allowed = Networks(allowed)
        self._proxies = Networks(proxies)
        self.refused = 0

    def admits(self, host: str) -> bool:
        """Tell whether a connection from `host` may stand; a Unix socket (empty) always may."""
        if not self._allowed or not host:
            return True
        found = address(host)
        if found is not None and (found in self._allowed or found in self._proxies):
            return True
        self.refused += 1
        return False

    @property
    def forwards(self) -> bool:
        """Tell whether any proxy is trusted."""
        return bool(self._proxies)

    def judge(self, host: str, forwarded: list[str]) -> str | Failure:
        """Return whom a request is from that came over a connection from `host`."""
        peer = address(host)
        if peer is None or peer not in self._proxies:
            return ""
        found = origin(peer, forwarded, self._proxies)
        if found is None:
            return _forbidden("X-Forwarded-For holds something that is no address")
        if self._allowed and found not in self._allowed and found != peer:
            self.refused += 1
            return _forbidden(f"{found} may not use this proxy")
        return str(found)


class Reception:
    """Judges each new head of a client connection."""

    __slots__ = ("crossing", "visitors")

    def __init__(self, allow: Allow, cors: Cors) -> None:
        self.visitors = Visitors(allow.listen, allow.trusted_proxies)
        self.crossing = Crossing(cors) if cors.origins else None

    def __call__(self, visitor: Visitor, message: RawRequestMessage) -> Failure | None:
        """Note whom a request is from and what its answer must say, or return why it is refused."""
        if self.crossing is not None:
            fields = self.crossing.fields(message.headers.get("Origin"))
            lines = (f"{name.lower()}: {value}\r\n" for name, value in fields.items())
            visitor.dress = "".join(lines).encode("latin-1")
        if self.visitors.forwards and visitor.direct:
            values = message.headers.getall("X-Forwarded-For", [])
            found = self.visitors.judge(visitor.direct, list(values))
            if isinstance(found, Failure):
                return found
            if found:
                visitor.peer = found
        return None


def reception(allow: Allow, cors: Cors) -> Reception | None:
    """Return who receives clients; None if all are welcome and nothing is to be said to pages."""
    needed = allow.listen or allow.trusted_proxies or cors.origins
    return Reception(allow, cors) if needed else None


def _forbidden(detail: str) -> Failure:
    return Failure(kind=Kind.FOREIGN, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
