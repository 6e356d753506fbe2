"""The admin application and the client port's ordinary pages over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from proxy.edge import models
from proxy.edge.admin import PATHS, application
from proxy.edge.orders import BROWSER, Outcome
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.reloads import Result
from tests.fixtures.fleet import make_backend, take_down
from tests.fixtures.orders import FakeOrders
from tests.fixtures.view import FakeView, ended_call

FreePort = Callable[[], int]


@asynccontextmanager
async def serving(app: web.Application, port: int) -> AsyncIterator[aiohttp.ClientSession]:
    """Serve `app` on a port and yield a client for it."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        yield client
    await runner.cleanup()


@pytest.fixture
def view() -> FakeView:
    return FakeView({make_backend("gpu-a"): ["llama", "org/qwen"]}, chat=["llama"])


@pytest.fixture
async def orders() -> AsyncIterator[FakeOrders]:
    made = FakeOrders()
    yield made
    await made.close()


@pytest.fixture
async def client(
    view: FakeView, orders: FakeOrders, free_port: FreePort
) -> AsyncIterator[aiohttp.ClientSession]:
    async with serving(application(view, orders), free_port()) as session:
        yield session


async def test_alive_is_alive_even_when_nothing_can_be_served(
    client: aiohttp.ClientSession, view: FakeView
) -> None:
    take_down(view.known[0], 99.0)
    async with client.get("/healthz") as answer:
        assert answer.status == 200
        assert await answer.json() == {"status": "ok"}


async def test_readiness_follows_the_backends_and_the_drain(
    client: aiohttp.ClientSession, view: FakeView
) -> None:
    async with client.get("/readyz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ready"})
    view.draining = True
    take_down(view.known[0], 99.0)
    async with client.get("/readyz") as answer:
        assert answer.status == 503
        assert len((await answer.json())["reasons"]) == 2
        assert answer.headers["Cache-Control"] == "no-store"


async def test_metrics_are_a_valid_exposition(
    client: aiohttp.ClientSession, view: FakeView
) -> None:
    metrics = Metrics("1.2.3", view)
    metrics.finished(ended_call(view.known[0]))
    view.metrics = metrics
    async with client.get("/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        names = {family.name for family in text_string_to_metric_families(await answer.text())}
    assert {"headrace_requests", "headrace_build_info", "process_cpu_seconds"} <= names


async def test_the_loop_runs_between_two_pieces_of_a_scrape(
    client: aiohttp.ClientSession, view: FakeView
) -> None:
    turns = 0
    seen: list[int] = []

    def turn() -> None:
        nonlocal turns
        turns += 1
        if len(seen) < 20:
            asyncio.get_running_loop().call_soon(turn)

    class Slow:
        def parts(self) -> Iterator[bytes]:
            for _ in range(20):
                seen.append(turns)
                yield b"# \n"

        def process(self) -> bytes:
            return b"# end\n"

    view.metrics = Slow()
    turn()
    async with client.get("/metrics") as answer:
        assert await answer.read() == b"# \n" * 20 + b"# end\n"
    assert len(set(seen)) == 20, "other callbacks ran before each piece"


async def test_status_is_one_json_object(client: aiohttp.ClientSession) -> None:
    async with client.get("/status") as answer:
        assert answer.content_type == "application/json"
        status = json.loads(await answer.read())
    assert [backend["name"] for backend in status["backends"]] == ["gpu-a"]
    assert [model["id"] for model in status["models"]] == ["chat", "llama", "org/qwen"]


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/status", "/config", "/fleet", "/dashboard"]
)
async def test_what_only_tells_is_read_only(path: str, client: aiohttp.ClientSession) -> None:
    async with client.head(path) as answer:
        assert answer.status == 200
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        async with client.request(method, path) as answer:
            assert answer.status == 405
            assert answer.headers["Allow"] == "GET,HEAD"


async def test_a_wrong_path_tells_the_right_ones(client: aiohttp.ClientSession) -> None:
    async with client.get("/statsu") as answer:
        assert answer.status == 404
        assert (await answer.json())["paths"] == list(PATHS)


@pytest.fixture
async def front(view: FakeView, free_port: FreePort) -> AsyncIterator[aiohttp.ClientSession]:
    """Serve what the client port answers by itself."""
    app = web.Application()
    app.router.add_routes(models.routes(lambda _: view.snapshot.listing(), lambda: b"made-here-1"))
    async with serving(app, free_port()) as session:
        yield session


@pytest.mark.parametrize("path", ["/v1/models/org/qwen", "/v1/models/org%2Fqwen"])
async def test_a_name_with_a_slash_is_found_encoded_or_not(
    path: str, front: aiohttp.ClientSession
) -> None:
    async with front.get(URL(path, encoded=True)) as answer:
        assert answer.status == 200
        assert (await answer.json())["id"] == "org/qwen"


async def test_the_client_port_lists_models_and_says_that_it_lives(
    front: aiohttp.ClientSession,
) -> None:
    async with front.get("/v1/models") as answer:
        ids = [entry["id"] for entry in (await answer.json())["data"]]
    assert ids == ["chat", "llama", "org/qwen"]
    async with front.head("/health") as answer:
        assert answer.status == 200
    async with front.get("/v1/models/none") as answer:
        assert answer.status == 404
        assert (await answer.json())["error"]["code"] == "model_not_found"


async def test_a_reload_is_ordered_and_its_outcome_told(
    client: aiohttp.ClientSession, orders: FakeOrders
) -> None:
    async with client.post("/-/reload") as answer:
        assert answer.status == 200
        told = await answer.json()
    assert orders.reloads == ["POST /-/reload"]
    assert told["result"] == "applied"
    assert told["changes"][0] == {"path": "limits.queue", "from": "5", "to": "6"}
    assert told["needs_restart"] == ["listen"]

    orders.outcome = Outcome(result=Result.FAILED, problems=("file:3: limits.queue: found 'x'",))
    async with client.post("/-/reload") as answer:
        assert answer.status == 422
        assert (await answer.json())["problems"] == ["file:3: limits.queue: found 'x'"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_reload_is_not_read(
    client: aiohttp.ClientSession, orders: FakeOrders, method: str
) -> None:
    async with client.request(method, "/-/reload") as answer:
        assert answer.status == 405
    assert orders.reloads == []


@pytest.mark.parametrize("header", BROWSER)
@pytest.mark.parametrize(("method", "path"), [("POST", "/-/reload"), ("GET", "/drain")])
async def test_no_order_is_taken_from_a_web_page(
    client: aiohttp.ClientSession, orders: FakeOrders, method: str, path: str, header: str
) -> None:
    async with client.request(method, path, headers={header: "http://evil.example"}) as answer:
        assert answer.status == 403
        assert header in (await answer.json())["error"]
    assert (orders.reloads, orders.drains) == ([], 0)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_drain_begins_and_is_not_waited_for(
    client: aiohttp.ClientSession, orders: FakeOrders, method: str
) -> None:
    async with client.request(method, "/drain") as answer:
        assert answer.status == 202
        assert await answer.json() == {"status": "draining", "in_flight": 3}
    assert orders.drains == 1


async def test_a_drain_can_be_waited_for(client: aiohttp.ClientSession, orders: FakeOrders) -> None:
    async with client.get("/drain?wait=20ms") as answer:
        assert answer.status == 202

    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(_drained(client)) for _ in range(2)]
        while orders.drains < 3:  # noqa: ASYNC110 - it offers no event
            await asyncio.sleep(0.005)
        orders.over.set()

    assert [task.result() for task in waiting] == [{"status": "drained", "in_flight": 0}] * 2


async def _drained(client: aiohttp.ClientSession) -> object:
    async with client.get("/drain?wait=30s") as answer:
        assert answer.status == 200
        return await answer.json()


@pytest.mark.parametrize(("method", "wait"), [("HEAD", "1s"), ("GET", "soon"), ("GET", "5")])
async def test_what_is_no_order_drains_nothing(
    client: aiohttp.ClientSession, orders: FakeOrders, method: str, wait: str
) -> None:
    async with client.request(method, f"/drain?wait={wait}") as answer:
        assert answer.status in {400, 405}
    assert orders.drains == 0
