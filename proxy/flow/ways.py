"""How a request may reach an engine of one kind: as it is, gathered from a stream, or translated.

Worked out once per request head and engine kind, and shared by all calls with that head.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from proxy.core import headers
from proxy.dialects.translate import asking

if TYPE_CHECKING:
    from proxy.dialects.base import Engine
    from proxy.dialects.openai_api import Operation

# Forms of a way; truth tells that a call may need more than its bytes passed on.
AS_IT_IS: Final = 0
GATHERED: Final = 1  # a plain call is asked as a stream, so that the engine notices who leaves
TRANSLATED: Final = 2
# Answers in pieces of a chat: what can be put together to a plain one.
_GATHERABLE: Final = frozenset({"/v1/chat/completions", "/v1/completions"})
# A caller's words about bodies that an engine never gets.
_OF_THE_BODY: Final = frozenset({b"accept", b"content-type"})
_JSON: Final = (b"content-type", b"application/json")


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine of one kind is sent.

    line, fields: request line and header lines; a translated call has its line from its translation
    and `line` is empty. form: one of the above. spare: if the engine lacks the path, translation is
    left.
    """

    line: bytes
    fields: bytes
    form: int
    spare: bool


def straight(
    operation: "Operation", fields: Sequence[headers.Field], engine: "Engine", query: str = ""
) -> Way:
    """Return the way of a request to an engine that has its path."""
    path = operation.path
    return Way(
        line=line(path, engine, query),
        fields=_rendered(fields, engine),
        form=GATHERED if gathers(path, engine) else AS_IT_IS,
        spare=operation.translates and asking.reachable(path, engine),
    )


def around(fields: Sequence[headers.Field], engine: "Engine") -> Way:
    """Return the way of a request that is translated for an engine."""
    ours = [_JSON, *(field for field in fields if field[0] not in _OF_THE_BODY)]
    return Way(line=b"", fields=_rendered(ours, engine), form=TRANSLATED, spare=False)


def line(path: str, engine: "Engine", query: str = "") -> bytes:
    """Return the request line for a path, by the engine's own name for it."""
    own = engine.paths.get(path, path)
    return b"POST %b HTTP/1.1\r\n" % (f"{own}?{query}" if query else own).encode()


def gathers(path: str, engine: "Engine") -> bool:
    """Tell whether plain calls of a path are asked as streams there."""
    return engine.stream_upstream and path in _GATHERABLE


def _rendered(fields: Sequence[headers.Field], engine: "Engine") -> bytes:
    return headers.render([field for field in fields if field[0] not in engine.dropped_headers])
