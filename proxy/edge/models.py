"""What the client port answers by itself: the merged list of models, one model, and /health.

These go down aiohttp's ordinary lane. The list is the catalog's: a model is in it if some backend
serves it, an alias if one of its models is there; names stand in alphabetical order.
"""

from collections.abc import Callable

import orjson
from aiohttp import web

from proxy.core.catalog import Directory
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.headers import request_id
from proxy.dialects.errors import unknown_model_hint
from proxy.dialects.openai_api import error_body, model_card, model_list

# Engines invent this date anew at every start. A constant keeps equal lists equal byte for byte,
# whichever engine happens to be up.
_CREATED = 0
_REQUEST_ID = "x-request-id"
IDENT = web.RequestKey("ident", str)  # the id an outer layer has given this request


def routes(directory: Directory, new_id: Callable[[], bytes]) -> list[web.RouteDef]:
    """Return the routes for the client port's application.

    Answers carry the request id an outer layer has put under `IDENT`. Without one they echo
    the client's, or, if it sent none that is safe, one of `new_id`.
    """
    pages = _Pages(directory, new_id)
    return [
        web.get("/v1/models", pages.all),
        web.get("/v1/models/{id:.+}", pages.one),  # ids may hold slashes: "org/name"
        web.get("/health", pages.health),
    ]


class _Pages:
    """The handlers. Each looks at the catalog in force and answers at once."""

    def __init__(self, directory: Directory, new_id: Callable[[], bytes]) -> None:
        self._directory = directory
        self._new_id = new_id

    async def all(self, request: web.Request) -> web.Response:
        listed = model_list(self._directory.current.listing(), _CREATED)
        return _answer(listed, self._id(request))

    async def one(self, request: web.Request) -> web.Response:
        asked, ident = request.match_info["id"], self._id(request)
        catalog = self._directory.current
        for model in catalog.listing():
            if model.id == asked:
                return _answer(orjson.dumps(model_card(model, _CREATED)), ident)
        failure = Failure(
            kind=Kind.UNKNOWN_MODEL,
            origin=Origin.CLIENT,
            phase=Phase.READ,
            detail=f"The model {asked[:200]!r} does not exist.",
        )
        # Anthropic's client always says which version of the API it speaks; OpenAI's never does.
        surface = "anthropic" if "anthropic-version" in request.headers else "openai"
        hint = unknown_model_hint(asked, catalog.names())
        return _answer(error_body(surface, failure, ident, hint), ident, status=404)

    async def health(self, request: web.Request) -> web.Response:
        return _answer(b'{"status":"ok"}', self._id(request))

    def _id(self, request: web.Request) -> str:
        given: str | None = request.get(IDENT)
        if given is not None:
            return given
        sent = request.headers.get(_REQUEST_ID)
        raw = None if sent is None else sent.encode(errors="surrogateescape")
        return request_id(raw, self._new_id()).decode("ascii")


def _answer(body: bytes, ident: str, status: int = 200) -> web.Response:
    return web.Response(
        body=body,
        status=status,
        content_type="application/json",
        headers={_REQUEST_ID: ident},
    )
