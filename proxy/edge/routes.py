"""The ordinary lane of the client port: everything that is no inference request.

Unknown paths and wrong methods are answered in the caller's dialect. Paths are compared as they
were sent: what only decodes to a path of ours is none.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from proxy.core.call import OK, Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.headers import request_id
from proxy.dialects.errors import status_of
from proxy.dialects.openai_api import OPERATIONS, error_body

if TYPE_CHECKING:
    from proxy.flow.course import Course

IDENT = web.RequestKey("ident", str)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(
    course: "Course", new_id: Callable[[], str], pages: Iterable[web.RouteDef]
) -> web.Application:
    """Return the application; `pages` are the routes that have a handler of their own."""
    app = web.Application(middlewares=[_accounted(course, new_id)])
    app.router.add_routes(pages)
    app.router.add_route("*", "/{path:.*}", _nowhere)
    app.on_response_prepare.append(_sign)
    return app


def error_response(
    failure: Failure, request_id: str, status: int = 0, surface: str = "openai"
) -> web.Response:
    """Return an error in the shape of `surface`, with `status` or the usual one of its kind."""
    status = status or status_of(failure)
    fields = {"x-request-id": request_id}
    if failure.kind is Kind.METHOD:
        fields["allow"] = "POST"
    return web.Response(
        status=status,
        body=error_body(surface, failure, request_id),
        content_type="application/json",
        headers=fields,
    )


def _accounted(
    course: "Course", new_id: Callable[[], str]
) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return a middleware that gives these requests their access line, too."""

    @web.middleware
    async def account(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = request.headers.get("x-request-id", "").encode(errors="surrogateescape")
        ident = request_id(sent, b"") or new_id().encode()
        call = Call(ident.decode(), request.rel_url.raw_path, course.now())
        request[IDENT] = call.request_id
        call.method = request.method
        call.client = str(request.remote or "")
        course.started()
        call.end = "PR"
        try:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                kind = Kind.METHOD if error.status == 405 else Kind.BAD_REQUEST
                failure = _failure(kind, f"{request.method} {request.path[:200]}: {error.reason}")
                response = error_response(failure, call.request_id, error.status)
            call.status = response.status
            call.end = OK if response.status < 400 else "CR"
            return response
        finally:
            call.ended_at = course.now()
            for observer in course.observers:
                observer.finished(call)

    return account


async def _nowhere(request: web.Request) -> web.StreamResponse:
    path = request.rel_url.raw_path
    operation = OPERATIONS.get(path)
    if operation is None:
        failure = _failure(Kind.UNKNOWN_PATH, f"there is no {request.method} {path[:200]} here")
        # Anthropic's client always says which version of the API it speaks; OpenAI's never does.
        surface = "anthropic" if "anthropic-version" in request.headers else "openai"
    else:
        failure = _failure(Kind.METHOD, f"{path} takes POST, not {request.method}")
        surface = operation.surface
    return error_response(failure, request[IDENT], surface=surface)


async def _sign(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "headrace"


def _failure(kind: Kind, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
