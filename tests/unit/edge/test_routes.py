"""The ordinary lane: what is not there is told in words, and everything is accounted for."""

from collections.abc import Mapping

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.edge.routes import application, error_response
from tests.fixtures.course import World


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text="here")


async def _broken(_request: web.Request) -> web.Response:
    raise RuntimeError


class Lane:
    """The application without a server around it."""

    def __init__(self) -> None:
        self.world = World("a")
        pages = [web.get("/v1/models", _page), web.get("/broken", _broken)]
        self.app = application(self.world.course, lambda: "made-1", pages)
        self.app.freeze()

    async def ask(
        self, method: str, path: str, fields: Mapping[str, str] | None = None
    ) -> web.Response:
        request = make_mocked_request(method, path, headers=fields, app=self.app)
        answer = await self.app._handle(request)
        assert isinstance(answer, web.Response)
        return answer


def error_of(answer: web.Response) -> dict[str, str]:
    found: dict[str, str] = orjson.loads(answer.body)["error"]  # type: ignore[arg-type]
    return found


async def test_a_page_is_served_and_accounted_for() -> None:
    lane = Lane()
    answer = await lane.ask("GET", "/v1/models?x=y")

    assert answer.text == "here"
    (call,) = lane.world.books.finished_calls
    assert (call.method, call.path, call.status, call.end) == ("GET", "/v1/models", 200, "--")
    assert lane.world.books.started == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "allow"),
    [
        ("GET", "/nowhere", 404, "path_not_found", None),
        ("POST", "/v1/chat%2Fcompletions", 404, "path_not_found", None),
        ("POST", "/v1/chat/completions/", 404, "path_not_found", None),
        ("PUT", "/v1/models", 405, "method_not_allowed", "GET, HEAD"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed", "POST"),
        ("DELETE", "/v1/embeddings", 405, "method_not_allowed", "POST"),
    ],
)
async def test_what_is_not_there(
    method: str, path: str, status: int, code: str, allow: str | None
) -> None:
    lane = Lane()
    answer = await lane.ask(method, path, {"x-request-id": "mine"})

    assert (answer.status, error_of(answer)["code"]) == (status, code)
    assert error_of(answer)["request_id"] == answer.headers["x-request-id"] == "mine"
    assert answer.headers.get("allow") == allow
    (call,) = lane.world.books.finished_calls
    assert (call.status, call.end, call.request_id) == (status, "CR", "mine")


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/v1/messages", {}), ("/nowhere", {"anthropic-version": "2023-06-01"})],
)
async def test_the_caller_is_told_in_its_own_dialect(path: str, fields: dict[str, str]) -> None:
    answer = await Lane().ask("GET", path, fields)

    assert orjson.loads(answer.body)["type"] == "error"  # type: ignore[arg-type]


async def test_an_unsafe_id_is_replaced() -> None:
    answer = await Lane().ask("GET", "/nowhere", {"x-request-id": "a b"})

    assert answer.headers["x-request-id"] == "made-1"


async def test_a_long_path_is_not_repeated_whole() -> None:
    answer = await Lane().ask("GET", "/" + "x" * 3000)

    assert len(answer.body) < 600  # type: ignore[arg-type]


async def test_a_page_that_fails_is_accounted_for_as_our_fault() -> None:
    lane = Lane()
    with pytest.raises(RuntimeError):
        await lane.ask("GET", "/broken")

    assert [call.end for call in lane.world.books.finished_calls] == ["PR"]


def test_an_error_may_have_a_status_of_its_own() -> None:
    failure = Failure(
        kind=Kind.BAD_REQUEST, origin=Origin.CLIENT, phase=Phase.READ, detail="no miracles"
    )

    assert error_response(failure, "id").status == 400
    assert error_response(failure, "id", status=417).status == 417
