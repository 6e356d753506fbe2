"""The head of a request that passes through: its query, and whether its upgrade is a WebSocket's.

Everything is compared and passed on as it was sent; only `model` in a query is written anew, as its
engine calls it. A key that browsers must put into a subprotocol goes no further than here.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, unquote_plus

import msgspec
from aiohttp.http import HttpVersion11, RawRequestMessage

from proxy.core import headers
from proxy.core.failure import Failure
from proxy.dialects.openai_api import Operation
from proxy.dialects.passages import Passage
from proxy.edge import queries
from proxy.edge.asks import asked, bad
from proxy.flow.course import Request, Side
from proxy.flow.outgoing import placed

WEBSOCKET: Final = b"websocket"
_SWITCH: Final = b"connection: Upgrade\r\nupgrade: websocket\r\n"
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")
_SECRET: Final = b"openai-insecure-api-key."
_PROTOCOL: Final = b"sec-websocket-protocol"


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """What passes: its way, and what engines may see of its head.

    `path` is without scope and query; `query` holds keys and values as they were sent. `model` is
    decoded, empty if none is named. `length` is -1 for a chunked body.
    """

    passage: Passage
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    model: str
    length: int
    request: Request

    def head(self, native: str, side: Side, request_id: str) -> bytes:
        """Return the head for the engine of `side`, which calls the model `native`."""
        dropped = side.engine.dropped_headers
        return b"%b%b%b%bx-request-id: %b\r\n\r\n" % (
            placed(self._line(native), side.pool.below),
            side.pool.prefix,
            headers.render([f for f in self.request.fields_for(side) if f[0] not in dropped]),
            _SWITCH if self.passage.upgrade else self._framing(),
            request_id.encode(),
        )

    def _framing(self) -> bytes:
        if self.length < 0:
            return b"connection: close\r\ntransfer-encoding: chunked\r\n"
        if self.length or self.method == "POST":
            return b"connection: close\r\ncontent-length: %d\r\n" % self.length
        return b"connection: close\r\n"

    def _line(self, native: str) -> bytes:
        pairs = (
            f"{key}={quote(native, safe='') if key == 'model' else value}"
            for key, value in self.query
        )
        query = "&".join(pairs)
        target = f"{self.path}?{query}" if query else self.path
        return f"{self.method} {target} HTTP/1.1\r\n".encode("ascii")


def judge(
    message: RawRequestMessage, passage: Passage, path: str, scope: str | None
) -> Passed | Failure:
    """Return what passes, or why it is refused. The method must be one of the passage's."""
    operation = Operation(
        path=passage.path, name=passage.surface.value, json=False, surface=passage.dialect
    )
    fields = _without_key(message.raw_headers) if passage.upgrade else message.raw_headers
    request = asked(operation, fields, scope)
    if isinstance(request, Failure):
        return request
    problem = _upgrade_problem(message) if passage.upgrade else None
    if problem is not None:
        return problem
    query = queries.known(message.path.partition("?")[2], passage.query, passage.path)
    if isinstance(query, Failure):
        return query
    models = [unquote_plus(value) for key, value in query if key == "model"]
    if len(models) > 1 or not all(models):
        return bad("`model` must be given once, and not empty")
    length = message.headers.get("content-length")
    return Passed(
        passage=passage,
        method=message.method,
        path=path,
        query=query,
        model=models[0] if models else "",
        length=-1 if message.chunked else int(length or 0),
        request=request,
    )


def _upgrade_problem(message: RawRequestMessage) -> Failure | None:
    fields = message.headers
    if not message.upgrade or fields.getall("upgrade", ()) != ["websocket"]:
        return bad("this path is a WebSocket: ask for an upgrade to `websocket`")
    if (
        message.version != HttpVersion11
        or message.chunked
        or fields.get("content-length", "0") != "0"
    ):
        return bad("a WebSocket begins with a GET of HTTP/1.1 without a body")
    if fields.getall("sec-websocket-version", ()) != ["13"]:
        return bad("only version 13 of the WebSocket protocol is spoken here")
    keys = fields.getall("sec-websocket-key", ())
    if len(keys) != 1 or _KEY.fullmatch(keys[0]) is None:
        return bad("Sec-WebSocket-Key must be 16 bytes in base64")
    return None


def _without_key(raw: Iterable[headers.Field]) -> list[headers.Field]:
    """Leave out subprotocols that hold a client's key: engines get no tenant's."""
    kept = []
    for name, value in raw:
        if name.lower() == _PROTOCOL:
            tokens = [token.strip() for token in value.split(b",")]
            others = [token for token in tokens if not token.startswith(_SECRET)]
            kept += [(name, b", ".join(others))] if others else []
        else:
            kept.append((name, value))
    return kept
