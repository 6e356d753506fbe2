"""The dashboard's pages over real sockets, in front of simulated engines."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import orjson
import pytest

from benchmarks.fake.engine import Engine
from benchmarks.fake.profile import Profile
from proxy.edge.dashboard import FILES, HEADERS
from tests.fixtures.stack import Stack, backends, serving

Port = Callable[[], int]


@pytest.fixture
async def stack(free_port: Port) -> AsyncIterator[Stack]:
    engine = Engine(Profile(pace=0.001))
    await engine.start()
    async with serving(backends(engine), free_port) as stack:
        yield stack
    await engine.stop()


@pytest.fixture
async def admin(stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://{stack.instance.settings.admin}") as session:
        yield session


async def news(answer: aiohttp.ClientResponse) -> Any:
    """Return the next document of a feed."""
    async with asyncio.timeout(30.0):
        line = await answer.content.readline()
        assert await answer.content.readline() == b"\n"
    return orjson.loads(line.removeprefix(b"data: "))


async def ask(stack: Stack) -> str:
    """Have a stream answered; return the request's id."""
    async with stack.ask(stream=True) as answer:
        await answer.read()
        return answer.headers["x-request-id"]


@pytest.mark.parametrize("name", FILES)
async def test_every_file_is_sent_with_the_policy(admin: aiohttp.ClientSession, name: str) -> None:
    path = "/dashboard" if name == "dashboard.html" else f"/dashboard/{name}"
    async with admin.get(path) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == FILES[name]
        assert {key: answer.headers[key] for key in HEADERS} == HEADERS
        assert await answer.read()


async def test_the_bare_address_leads_to_the_page(admin: aiohttp.ClientSession) -> None:
    async with admin.get("/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/dashboard")


async def test_no_other_file_is_sent(admin: aiohttp.ClientSession) -> None:
    for path in ("/dashboard/dashboard.py", "/dashboard/..%2fadmin.py", "/dashboard/"):
        async with admin.get(path) as answer:
            assert answer.status == 404


async def test_the_fleet_tells_what_requests_waited_for(
    stack: Stack, admin: aiohttp.ClientSession
) -> None:
    ident = await ask(stack)

    async with admin.get("/fleet") as answer:
        fleet = await answer.json()
    async with admin.get("/fleet/request", params={"id": ident}) as answer:
        one = await answer.json()

    (backend,) = fleet["backends"]
    assert (fleet["headline"], backend["word"]) == ("The backend is ready.", "ready")
    assert backend["lately"]["requests"] == 1
    assert backend["lately"]["first_token_ms"]["count"] == 1
    assert [each["what"] for each in one["stretches"]] == ["connect", "wait", "stream"]
    assert fleet["requests"]["latest"][0]["request_id"] == one["request_id"] == ident


async def test_a_request_that_is_not_kept_says_so(admin: aiohttp.ClientSession) -> None:
    async with admin.get("/fleet/request", params={"id": "none"}) as answer:
        assert answer.status == 404
        assert "no such request" in (await answer.json())["error"]


async def test_the_feed_shows_a_stream_while_it_runs(
    stack: Stack, admin: aiohttp.ClientSession
) -> None:
    async with admin.get("/fleet/feed") as answer:
        assert answer.content_type == "text/event-stream"
        first = await news(answer)
        assert first["totals"]["tokens_s"] is None, "nothing to compare with yet"
        async with stack.ask(stream=True, max_tokens=4000, ignore_eos=True) as stream:
            await stream.content.readany()
            seen = [await news(answer), await news(answer)]
            assert [one["backends"][0]["in_flight"] for one in seen] == [1, 1]
            assert seen[-1]["backends"][0]["tokens_s"] > 0.0


async def test_watchers_do_not_hold_up_the_end(stack: Stack, admin: aiohttp.ClientSession) -> None:
    async with admin.get("/fleet/feed") as answer:
        await news(answer)
        async with asyncio.timeout(30.0):
            await stack.stop()
            assert await answer.content.read() == b""


async def test_the_breaker_and_the_failure_behind_it_are_told(
    stack: Stack, admin: aiohttp.ClientSession
) -> None:
    backend = stack.instance.backends()[0]
    now = stack.instance.now()
    while backend.breaker.closed:
        backend.breaker.failed(backend.breaker.admit(now), now, hard=True)

    async with admin.get("/fleet") as answer:
        fleet = await answer.json()

    assert fleet["headline"] == "a is cut off."
    assert fleet["backends"][0]["why"].startswith("next try in ")
