"""The ordinary lane of the client port: everything that is no inference request.

Unknown paths and wrong methods are answered in the caller's dialect.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from proxy.core.call import OK, Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.headers import request_id
from proxy.dialects.errors import status_of
from proxy.dialects.openai_api import OPERATIONS, error_body, surface_of
from proxy.dialects.passages import find
from proxy.edge.models import IDENT
from proxy.flow.scope import split

if TYPE_CHECKING:
    from proxy.edge.reception import Crossing
    from proxy.flow.course import Course

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(
    course: "Course",
    new_id: Callable[[], str],
    pages: Iterable[web.RouteDef],
    crossing: "Callable[[], Crossing | None]" = lambda: None,
) -> web.Application:
    """Return the application; `pages` are the routes that have a handler of their own.

    `crossing` says what web pages of other origins are told.
    """
    app = web.Application(middlewares=[_accounted(course, new_id, crossing)])
    app.router.add_routes(pages)

    async def sign(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = "headrace"
        told = crossing()
        if told is not None:
            response.headers.update(told.fields(request.headers.get("Origin")))

    app.on_response_prepare.append(sign)
    return app


def error_response(
    failure: Failure, ident: str, *, status: int = 0, surface: str = "openai", allow: str = ""
) -> web.Response:
    """Return an error in the shape of `surface`, with `status` or the usual one of its kind."""
    fields = {"x-request-id": ident}
    if allow:
        fields["allow"] = allow
    return web.Response(
        status=status or status_of(failure),
        body=error_body(surface, failure, ident),
        content_type="application/json",
        headers=fields,
    )


def _accounted(
    course: "Course", new_id: Callable[[], str], crossing: "Callable[[], Crossing | None]"
) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return a middleware that gives these requests their access line, too."""

    @web.middleware
    async def account(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = request.headers.get("x-request-id", "").encode(errors="surrogateescape")
        ident = request_id(sent, b"") or new_id().encode()
        call = Call(ident.decode(), request.rel_url.raw_path, course.now())
        request[IDENT] = call.request_id
        call.method = request.method
        call.client = getattr(request.protocol, "peer", "") or str(request.remote or "")
        course.started()
        call.end = "PR"
        try:
            try:
                told = crossing()
                known = None if told is None else told.preflight(request)
                response = await handler(request) if known is None else known
            except web.HTTPException as error:
                response = _refusal(request, error, call.request_id)
            call.status = response.status
            call.end = OK if response.status < 400 else "CR"
            return response
        finally:
            call.ended_at = course.now()
            for observer in course.observers:
                observer.finished(call)

    return account


def _refusal(request: web.Request, error: web.HTTPException, ident: str) -> web.Response:
    """Return our own words for what aiohttp's router refuses."""
    method, path = request.method, request.rel_url.raw_path
    behind = split(path)[1]
    surface = surface_of(behind, anthropic="anthropic-version" in request.headers)
    allow = _methods(behind)
    if isinstance(error, web.HTTPMethodNotAllowed):
        allow = ", ".join(sorted(error.allowed_methods))
    if allow:
        failure = _failure(Kind.METHOD, f"{path[:200]} takes {allow}, not {method}")
        return error_response(failure, ident, surface=surface, allow=allow)
    if error.status == 404:
        failure = _failure(Kind.UNKNOWN_PATH, f"there is no {method} {path[:200]} here")
        return error_response(failure, ident, surface=surface)
    failure = _failure(Kind.BAD_REQUEST, f"{method} {path[:200]}: {error.reason}")
    return error_response(failure, ident, status=error.status, surface=surface)


def _methods(path: str) -> str:
    """Return the methods that a path takes, empty if it is none of ours."""
    passage = find(path)
    own = ["POST"] if path in OPERATIONS else []
    return ", ".join([*own, *(passage.methods if passage is not None else ())])


def _failure(kind: Kind, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
