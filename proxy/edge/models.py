"""What the client port answers by itself: the merged list of models, one model, and /health.

These go down aiohttp's ordinary lane. The list is the catalog's: a model is in it if some backend
serves it, an alias if one of its models is there; names stand in alphabetical order. Behind
`/to/{scope}` it is what that scope serves.
"""

from collections.abc import Callable, Sequence

import orjson
from aiohttp import web

from proxy.core.catalog import Model
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.headers import request_id
from proxy.dialects.errors import status_of, unknown_model_hint
from proxy.dialects.openai_api import error_body, model_card, model_list
from proxy.flow.scope import split

# Engines invent this date anew at every start. A constant keeps equal lists equal byte for byte,
# whichever engine happens to be up.
_CREATED = 0
_REQUEST_ID = "x-request-id"
IDENT = web.RequestKey("ident", str)  # the id an outer layer has given this request


Listing = Callable[[str | None], Sequence[Model] | Failure]


def routes(listing: Listing, new_id: Callable[[], bytes]) -> list[web.RouteDef]:
    """Return the routes for the client port's application.

    `listing` gives the models of a scope, of None all. Answers carry the request id an outer layer
    has put under `IDENT`. Without one they echo the client's, or, if it sent none that is safe, one
    of `new_id`.
    """
    pages = _Pages(listing, new_id)
    return [
        web.get("/v1/models", pages.all),
        web.get("/v1/models/{id:.+}", pages.one),  # ids may hold slashes: "org/name"
        web.get("/to/{scope}/v1/models", pages.all),
        web.get("/to/{scope}/v1/models/{id:.+}", pages.one),
        web.get("/health", pages.health),
    ]


class _Pages:
    """The handlers. Each looks at the catalog in force and answers at once."""

    def __init__(self, listing: Listing, new_id: Callable[[], bytes]) -> None:
        self._listing = listing
        self._new_id = new_id

    async def all(self, request: web.Request) -> web.Response:
        found = self._models(request)
        if isinstance(found, Failure):
            return self._error(request, found)
        return _answer(model_list(found, _CREATED), self._id(request))

    async def one(self, request: web.Request) -> web.Response:
        asked = request.match_info["id"]
        found = self._models(request)
        if isinstance(found, Failure):
            return self._error(request, found)
        for model in found:
            if model.id == asked:
                return _answer(orjson.dumps(model_card(model, _CREATED)), self._id(request))
        failure = Failure(
            kind=Kind.UNKNOWN_MODEL,
            origin=Origin.CLIENT,
            phase=Phase.READ,
            detail=f"The model {asked[:200]!r} does not exist.",
        )
        hint = unknown_model_hint(asked, [model.id for model in found])
        return self._error(request, failure, hint)

    def _models(self, request: web.Request) -> Sequence[Model] | Failure:
        # As it was sent: the router has decoded what it matched.
        return self._listing(split(request.rel_url.raw_path)[0])

    def _error(self, request: web.Request, failure: Failure, hint: str = "") -> web.Response:
        # Anthropic's client always says which version of the API it speaks; OpenAI's never does.
        surface = "anthropic" if "anthropic-version" in request.headers else "openai"
        ident = self._id(request)
        return _answer(error_body(surface, failure, ident, hint), ident, status_of(failure))

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
