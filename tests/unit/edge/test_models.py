"""The models list and its neighbours, answered from the catalog."""

import json
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from proxy.core.catalog import Directory, Model, build
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.edge.models import IDENT, Listing, routes
from tests.fixtures.fleet import make_backend

GENERATED = "made-here-1"
GONE = Failure(
    kind=Kind.UNKNOWN_SCOPE, origin=Origin.CLIENT, phase=Phase.READ, detail="there is no such scope"
)


@pytest.fixture
def directory() -> Directory:
    one, two = make_backend("one"), make_backend("two")
    found = Directory()
    found.swap(
        build(
            {
                one: (Model(id="org/qwen", owned_by="vllm", context_length=4096, created=17),),
                two: (Model(id="llama", owned_by="me"), Model(id="org/qwen", owned_by="sglang")),
            },
            {"gpt-4o": ("llama",), "unserved": ("gone",)},
        )
    )
    return found


def of(directory: Directory) -> Listing:
    """Return what `routes` is to be given: the models of all, of `one`, or a failure."""

    def listing(scope: str | None) -> Sequence[Model] | Failure:
        models = directory.current.listing()
        if scope == "one":
            return [model for model in models if model.id == "org/qwen"]
        return models if scope is None else GONE

    return listing


Ask = Callable[..., Awaitable[tuple[web.Response, Any]]]


@pytest.fixture
def ask(directory: Directory) -> Ask:
    """Return a function that asks the handler of a route and returns the answer and its JSON."""
    handlers = {route.path: route.handler for route in routes(of(directory), GENERATED.encode)}

    async def ask(
        route: str, headers: Mapping[str, str] | None = None, *, path: str = "", **match: str
    ) -> tuple[web.Response, Any]:
        request = make_mocked_request("GET", path or route, headers=headers, match_info=match)
        handler = cast("Callable[[web.Request], Awaitable[web.Response]]", handlers[route])
        answer = await handler(request)
        return answer, json.loads(cast("bytes", answer.body))

    return ask


ONE = "/v1/models/{id:.+}"


async def test_the_list_merges_backends_and_holds_aliases_in_order(ask: Ask) -> None:
    answer, body = await ask("/v1/models")
    assert answer.status == 200
    assert answer.content_type == "application/json"
    assert body == {
        "object": "list",
        "data": [
            {"id": "gpt-4o", "object": "model", "created": 0, "owned_by": "me"},
            {"id": "llama", "object": "model", "created": 0, "owned_by": "me"},
            {
                "id": "org/qwen",
                "object": "model",
                "created": 0,
                "owned_by": "vllm",
                "max_model_len": 4096,
            },
        ],
    }


async def test_the_list_follows_the_catalog_in_force(ask: Ask, directory: Directory) -> None:
    directory.swap(build({}, {}))
    _, body = await ask("/v1/models")
    assert body == {"object": "list", "data": []}


async def test_one_model_may_have_slashes_in_its_name(ask: Ask) -> None:
    answer, body = await ask(ONE, id="org/qwen")
    assert answer.status == 200
    assert (body["id"], body["object"], body["max_model_len"]) == ("org/qwen", "model", 4096)


async def test_an_alias_is_shown_under_its_own_name(ask: Ask) -> None:
    _, body = await ask(ONE, id="gpt-4o")
    assert body["id"] == "gpt-4o"


async def test_an_unknown_model_gets_the_openai_error_with_the_names_there_are(ask: Ask) -> None:
    answer, body = await ask(ONE, id="org/qwem")
    assert answer.status == 404
    error = body["error"]
    assert (error["code"], error["param"], error["type"]) == (
        "model_not_found",
        "model",
        "invalid_request_error",
    )
    assert "'org/qwem'" in error["message"]
    assert "Models here: org/qwen" in error["message"]
    assert error["request_id"] == answer.headers["x-request-id"] == GENERATED


async def test_anthropics_client_gets_the_error_in_its_own_shape(ask: Ask) -> None:
    _, body = await ask(ONE, {"anthropic-version": "2023-06-01"}, id="claude")
    assert body["type"] == "error"
    assert body["error"]["type"] == "not_found_error"


async def test_health_says_ok_without_any_model(ask: Ask, directory: Directory) -> None:
    directory.swap(build({}, {}))
    answer, body = await ask("/health")
    assert (answer.status, body) == (200, {"status": "ok"})


async def test_the_id_in_the_access_line_is_the_id_in_the_answer(directory: Directory) -> None:
    (handler,) = [r.handler for r in routes(of(directory), GENERATED.encode) if r.path == "/health"]
    request = make_mocked_request("GET", "/health", headers={"x-request-id": "ignored"})
    with warnings.catch_warnings(action="ignore", category=web.NotAppKeyWarning):
        request[IDENT] = "given-outside"
    answer = await cast("Callable[[web.Request], Awaitable[web.Response]]", handler)(request)
    assert answer.headers["x-request-id"] == "given-outside"


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [("abc-123", "abc-123"), ("two words", GENERATED), ("", GENERATED), ("é", GENERATED)],
)
async def test_a_safe_request_id_is_echoed(sent: str, echoed: str, ask: Ask) -> None:
    answer, _ = await ask("/health", {"x-request-id": sent})
    assert answer.headers["x-request-id"] == echoed


async def test_a_scope_lists_what_it_serves(ask: Ask) -> None:
    listed = "/to/{scope}/v1/models"

    answer, body = await ask(listed, path="/to/one/v1/models", scope="one")
    assert [model["id"] for model in body["data"]] == ["org/qwen"]

    _, body = await ask(listed + "/{id:.+}", path="/to/one/v1/models/llama", id="llama")
    assert body["error"]["code"] == "model_not_found"
    assert body["error"]["message"].endswith("Models here: org/qwen.")

    for path in ("/to/two/v1/models", "/to/ONE/v1/models"):
        answer, body = await ask(listed, path=path, scope="one")
        assert (answer.status, body["error"]["code"]) == (404, "scope_not_found")


ANTHROPIC = {"anthropic-version": "2023-06-01"}


async def test_anthropics_client_gets_the_list_in_its_own_shape(ask: Ask) -> None:
    _, body = await ask("/v1/models", ANTHROPIC)
    assert [card["id"] for card in body["data"]] == ["gpt-4o", "llama", "org/qwen"]
    assert body["has_more"] is False

    _, card = await ask(ONE, ANTHROPIC, id="org/qwen")
    assert (card["type"], card["display_name"]) == ("model", "org/qwen")


@pytest.mark.parametrize("route", ["/api/tags", "/api/ps"])
async def test_ollamas_client_gets_lists_in_its_own_shape(ask: Ask, route: str) -> None:
    _, body = await ask(route)
    assert [card["name"] for card in body["models"]] == ["gpt-4o", "llama", "org/qwen"]


async def test_ollamas_client_is_told_a_version(ask: Ask) -> None:
    _, body = await ask("/api/version")
    assert body["version"]


async def test_the_root_says_that_somebody_is_there(
    directory: Directory,
) -> None:
    pages = routes(lambda _: directory.current.listing(), GENERATED.encode)
    (handler,) = [route.handler for route in pages if route.path == "/"]
    request = make_mocked_request("GET", "/")
    answer = await cast("Callable[[web.Request], Awaitable[web.Response]]", handler)(request)
    assert (answer.status, answer.text) == (200, "headrace is running\n")
