"""Paths that pass through unread to one backend: files, batches, stored responses, realtime, admin.

What they name lives at the engine that made it, so no other one may be asked. They stand in an
exact table like the operations: what is not in it, and no query parameter that is not, gets to an
engine. A profile says which groups its engine has (`passes`).
"""

import re
from typing import Final

import msgspec

from proxy.dialects.profile import Surface

_ID: Final = r"[A-Za-z0-9_-][A-Za-z0-9._:-]{0,199}"  # no dot first: never `..`
_DIGEST: Final = r"sha256[:-][0-9a-f]{64}"
_LIST: Final = ("after", "before", "limit", "order")


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """One path, or a family of them.

    query: the parameters that are passed on. dialect: the caller's, in which errors are written.
    upgrade: it becomes a WebSocket. boundless: its body may be of any size, it is never held.
    """

    path: str
    methods: tuple[str, ...]
    surface: Surface
    query: tuple[str, ...] = ()
    dialect: str = "openai"
    upgrade: bool = False
    boundless: bool = False

    @property
    def changes(self) -> bool:
        """Tell whether its engine may have other models afterwards."""
        return self.surface is Surface.OLLAMA_ADMIN and not self.boundless

    @property
    def name(self) -> str:
        """Return the group in words for people."""
        return self.surface.value.replace("-", " ")


_FILES, _BATCHES, _STORED = Surface.FILES, Surface.BATCHES, Surface.RESPONSES


def _ollama(path: str, *methods: str, boundless: bool = False) -> Passage:
    return Passage(
        path=path,
        methods=methods,
        surface=Surface.OLLAMA_ADMIN,
        dialect="ollama",
        boundless=boundless,
    )


PASSAGES: Final = (
    Passage(path="/v1/files", methods=("GET", "POST"), surface=_FILES, query=(*_LIST, "purpose")),
    Passage(path="/v1/files/{id}", methods=("GET", "DELETE"), surface=_FILES),
    Passage(path="/v1/files/{id}/content", methods=("GET",), surface=_FILES),
    Passage(path="/v1/batches", methods=("GET", "POST"), surface=_BATCHES, query=_LIST),
    Passage(path="/v1/batches/{id}", methods=("GET",), surface=_BATCHES),
    Passage(path="/v1/batches/{id}/cancel", methods=("POST",), surface=_BATCHES),
    Passage(
        path="/v1/responses/{id}",
        methods=("GET", "DELETE"),
        surface=_STORED,
        query=("include", "include[]", "starting_after", "stream"),
    ),
    Passage(path="/v1/responses/{id}/cancel", methods=("POST",), surface=_STORED),
    Passage(
        path="/v1/responses/{id}/input_items",
        methods=("GET",),
        surface=_STORED,
        query=(*_LIST, "include", "include[]"),
    ),
    Passage(
        path="/v1/realtime",
        methods=("GET",),
        surface=Surface.REALTIME,
        query=("call_id", "intent", "language", "model"),
        upgrade=True,
    ),
    _ollama("/api/pull", "POST"),
    _ollama("/api/push", "POST"),
    _ollama("/api/create", "POST"),
    _ollama("/api/copy", "POST"),
    _ollama("/api/delete", "DELETE"),
    _ollama("/api/blobs/{digest}", "HEAD", "POST", boundless=True),
)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\{id\}", _ID).replace(r"\{digest\}", _DIGEST))


_FOUND: Final = tuple((_pattern(passage.path), passage) for passage in PASSAGES)


def find(path: str) -> Passage | None:
    """Return the passage of a path, exactly as it was sent; None if there is none."""
    return next((passage for pattern, passage in _FOUND if pattern.fullmatch(path)), None)
