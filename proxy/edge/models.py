"""What the client port answers by itself: the models in each dialect's shape, and /health.

These go down aiohttp's ordinary lane. The list is the catalog's: a model is in it if some backend
serves it, an alias if one of its models is there; names stand in alphabetical order. Behind
`/to/{scope}` it is what that scope serves.
"""

from collections.abc import Callable, Iterable, Sequence

import orjson
from aiohttp import web

from proxy.core.catalog import Model
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.headers import Field, request_id
from proxy.dialects import cards
from proxy.dialects.errors import status_of, unknown_model_hint
from proxy.dialects.openai_api import error_body, model_card, model_list, surface_of
from proxy.flow.scope import split

# Engines invent this date anew at every start. A constant keeps equal lists equal byte for byte,
# whichever engine happens to be up.
_CREATED = 0
_REQUEST_ID = "x-request-id"
IDENT = web.RequestKey("ident", str)  # the id an outer layer has given this request


Listing = Callable[[str | None], Sequence[Model] | Failure]
# Tells of the sender of header fields which models it may use; None: everybody may use all.
Permits = Callable[[Iterable[Field]], Callable[[str], bool]]


def routes(
    listing: Listing,
    new_id: Callable[[], bytes],
    permits: Callable[[], Permits | None] = lambda: None,
) -> list[web.RouteDef]:
    """Return the routes for the client port's application.

    `listing` gives the models of a scope, of None all; of those a client sees what `permits` says.
    Answers carry the request id an outer layer has put under `IDENT`. Without one they echo the
    client's, or, if it sent none that is safe, one of `new_id`.
    """
    pages = _Pages(listing, new_id, permits)
    served = {
        "/v1/models": pages.all,
        "/v1/models/{id:.+}": pages.one,  # ids may hold slashes: "org/name"
        "/api/tags": pages.tags,
        "/api/ps": pages.running,
        "/api/version": pages.version,
    }
    scoped = [web.get("/to/{scope}" + path, page) for path, page in served.items()]
    return [
        *[web.get(path, page) for path, page in served.items()],
        *scoped,
        web.get("/", pages.root),
        web.get("/health", pages.health),
    ]


class _Pages:
    """The handlers. Each looks at the catalog in force and answers at once."""

    def __init__(
        self, listing: Listing, new_id: Callable[[], bytes], permits: Callable[[], Permits | None]
    ) -> None:
        self._listing = listing
        self._permits = permits
        self._new_id = new_id

    async def all(self, request: web.Request) -> web.Response:
        found = self._models(request)
        if isinstance(found, Failure):
            return self._error(request, found)
        anthropic = _surface(request) == "anthropic"
        listed = cards.anthropic_list(found) if anthropic else model_list(found, _CREATED)
        return _answer(listed, self._id(request))

    async def one(self, request: web.Request) -> web.Response:
        asked = request.match_info["id"]
        found = self._models(request)
        if isinstance(found, Failure):
            return self._error(request, found)
        for model in found:
            if model.id == asked:
                anthropic = _surface(request) == "anthropic"
                card = cards.anthropic_card(model) if anthropic else model_card(model, _CREATED)
                return _answer(orjson.dumps(card), self._id(request))
        failure = Failure(
            kind=Kind.UNKNOWN_MODEL,
            origin=Origin.CLIENT,
            phase=Phase.READ,
            detail=f"The model {asked[:200]!r} does not exist.",
        )
        hint = unknown_model_hint(asked, [model.id for model in found])
        return self._error(request, failure, hint)

    async def tags(self, request: web.Request) -> web.Response:
        return self._listed(request, cards.tags)

    async def running(self, request: web.Request) -> web.Response:
        return self._listed(request, cards.running)

    async def version(self, request: web.Request) -> web.Response:
        return _answer(cards.version(), self._id(request))

    async def root(self, request: web.Request) -> web.Response:
        # Ollama's command line asks this before anything else, and only wants a 200.
        return web.Response(text="headrace is running\n", headers={_REQUEST_ID: self._id(request)})

    def _listed(
        self, request: web.Request, write: Callable[[Sequence[Model]], bytes]
    ) -> web.Response:
        found = self._models(request)
        if isinstance(found, Failure):
            return self._error(request, found)
        return _answer(write(found), self._id(request))

    def _models(self, request: web.Request) -> Sequence[Model] | Failure:
        # As it was sent: the router has decoded what it matched.
        found = self._listing(split(request.rel_url.raw_path)[0])
        permits = self._permits()
        if permits is None or isinstance(found, Failure):
            return found
        permitted = permits(request.raw_headers)
        return [model for model in found if permitted(model.id)]

    def _error(self, request: web.Request, failure: Failure, hint: str = "") -> web.Response:
        surface, ident = _surface(request), self._id(request)
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


def _surface(request: web.Request) -> str:
    path = split(request.rel_url.raw_path)[1]
    return surface_of(path, anthropic="anthropic-version" in request.headers)


def _answer(body: bytes, ident: str, status: int = 200) -> web.Response:
    return web.Response(
        body=body,
        status=status,
        content_type="application/json",
        headers={_REQUEST_ID: ident},
    )
