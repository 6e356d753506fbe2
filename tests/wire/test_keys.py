"""Keys of clients on the wire: who may ask for what, how much, and what they are told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile
from proxy.cli import app
from proxy.core import keys
from proxy.settings.keystore import Keystore, Secret, connect
from proxy.telemetry.ledger import Ledger, Row
from tests.fixtures.keyed import clients
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving
from tests.fixtures.wire import chat, connected, get, port_of, post

Port = Callable[[], int]
OTHER = "other-model"
TEAM = "Authorization: Bearer TEAM"


@asynccontextmanager
async def keyed(port: Port, more: str = "", **listed: str) -> AsyncIterator[tuple[Stack, Engine]]:
    """Serve two models to these keys; `more` goes into the section of keys."""
    profile = Profile(models=(MODEL, OTHER), pace=0.005)
    async with running(profile) as engine:
        document = f"{backends(engine)}{clients(**listed)}{more}"
        async with serving(document, port) as stack:
            yield stack, engine


def bearer(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name.upper()}"}


async def asked(stack: Stack, name: str = "team", **body: object) -> tuple[int, Any, Any]:
    """Return status, headers and the decoded body of a chat with the key of this name."""
    messages = [{"role": "user", "content": "hi"}]
    whole = {"model": MODEL, "messages": messages, "max_tokens": 2, **body}
    path = "/v1/chat/completions"
    async with stack.client.post(path, json=whole, headers=bearer(name)) as answer:
        return answer.status, answer.headers, orjson.loads(await answer.read())


async def until_served(stack: Stack, **body: Any) -> None:
    """Ask until there is room; it is told of no event."""
    async with asyncio.timeout(30):
        while (await asked(stack, **body))[0] != 200:  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)


@pytest.mark.setting("keys.clients.*.hash")
async def test_a_request_needs_a_key_and_engines_never_see_it(free_port: Port) -> None:
    async with keyed(free_port, team="") as (stack, engine):
        assert (await asked(stack))[0] == 200
        status, fields, body = await asked(stack, "other")
        assert (status, fields["www-authenticate"]) == (401, 'Bearer realm="headrace"')
        assert body["error"]["code"] == "api_key_unknown"
        assert body["error"]["type"] == "authentication_error"

        async with stack.client.post("/v1/messages", json={}) as answer:
            assert answer.status == 401
            assert orjson.loads(await answer.read())["error"]["type"] == "authentication_error"

        (record,) = engine.requests
        assert not record.header(b"authorization")
        await eventually(lambda: len(stack.access_lines()) == 3)
        lines = [orjson.loads(line) for line in stack.access_lines()]
        assert sorted((line["status"], line.get("key", "")) for line in lines) == [
            (200, "team"),
            (401, ""),
            (401, ""),
        ]


@pytest.mark.setting("keys.clients.*.key")
async def test_a_key_may_be_sent_in_three_ways(free_port: Port) -> None:
    async with running(Profile()) as engine:
        document = backends(engine) + "keys: {clients: {team: {key: TEAM}}}\n"
        async with serving(document, free_port) as stack:
            for field in ("Authorization: Bearer TEAM", "X-API-Key: TEAM", "api-key: TEAM"):
                async with connected(port_of(stack)) as wire:
                    wire.send(post(chat(1), field))
                    assert (await wire.answer()).status == 200


async def test_an_unknown_sender_is_refused_before_its_body_is_read(free_port: Port) -> None:
    async with keyed(free_port, team="") as (stack, _), connected(port_of(stack)) as wire:
        wire.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n")
        reply = await wire.answer()

    assert (reply.status, reply.code, reply.closes) == (401, "api_key_missing", True)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_line_of_who_is_refused_has_the_method(free_port: Port, method: str) -> None:
    async with keyed(free_port, team="") as (stack, _), connected(port_of(stack)) as wire:
        wire.send(f"{method} /v1/models HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        sent = await wire.ended()
        await eventually(lambda: len(stack.access_lines()) == 1)
        (line,) = map(orjson.loads, stack.access_lines())

    assert (line["method"], line["status"]) == (method, 401)
    assert sent.endswith(b"\r\n\r\n") is (method == "HEAD")


async def test_health_needs_no_key_and_pages_do(free_port: Port) -> None:
    async with keyed(free_port, team="models: [simulated-*]", all="") as (stack, _):

        async def models(name: str) -> list[str]:
            async with stack.client.get("/v1/models", headers=bearer(name)) as answer:
                return [model["id"] for model in orjson.loads(await answer.read())["data"]]

        assert (await stack.client.get("/health")).status == 200
        assert (await stack.client.get("/v1/models")).status == 401
        assert await models("team") == [MODEL]
        assert await models("all") == [OTHER, MODEL]
        path = f"/v1/models/{OTHER}"
        assert (await stack.client.get(path, headers=bearer("team"))).status == 404


@pytest.mark.setting("keys.clients.*.models")
async def test_a_key_gets_its_models_only(free_port: Port) -> None:
    async with keyed(free_port, team="models: [simulated-*]") as (stack, engine):
        status, _, body = await asked(stack, model=OTHER)
        unknown, _, told = await asked(stack, model="simulated-x")

    assert (status, body["error"]["code"]) == (403, "model_not_allowed")
    assert (unknown, told["error"]["code"]) == (404, "model_not_found")
    assert OTHER not in told["error"]["message"]
    assert not list(engine.requests)


@pytest.mark.setting("keys.clients.*.requests_per_minute")
async def test_requests_a_minute_and_what_is_told_of_them(free_port: Port) -> None:
    async with keyed(free_port, team="requests_per_minute: 2", other="") as (stack, _):
        first = await asked(stack)
        second = await asked(stack)
        third = await asked(stack)

        assert [status for status, _, _ in (first, second, third)] == [200, 200, 429]
        names = ("limit", "remaining")
        told = [[one[1][f"x-ratelimit-{n}-requests"] for n in names] for one in (first, third)]
        assert told == [["2", "1"], ["2", "0"]]
        assert 50 <= int(third[1]["retry-after"]) <= 80
        assert third[2]["error"]["code"] == "rate_limit_exceeded"
        status, fields, _ = await asked(stack, "other")
        assert (status, "x-ratelimit-limit-requests" in fields) == (200, False)


@pytest.mark.setting("keys.clients.*.tokens_per_minute")
async def test_tokens_a_minute_follow_what_the_engine_says(free_port: Port) -> None:
    async with keyed(free_port, team="tokens_per_minute: 100") as (stack, _):
        assert (await asked(stack, max_tokens=50, ignore_eos=True))[0] == 200
        status, fields, body = await asked(stack, max_tokens=50)

    assert (status, body["error"]["code"]) == (429, "rate_limit_exceeded")
    assert fields["x-ratelimit-limit-tokens"] == "100"


async def test_a_reservation_is_given_back(free_port: Port) -> None:
    async with (
        keyed(free_port, team="tokens_per_minute: 400") as (stack, _),
        AsyncExitStack() as closed,
    ):
        wire = await closed.enter_async_context(connected(port_of(stack)))
        wire.send(post(chat(900, stream=True, ignore_eos=True), TEAM))
        await wire.head()
        assert (await asked(stack, max_tokens=250))[0] == 429

        wire.close()  # long before it has had all of its tokens

        await until_served(stack, max_tokens=250)


@pytest.mark.setting("keys.clients.*.concurrency")
async def test_requests_at_once(free_port: Port) -> None:
    async with keyed(free_port, team="concurrency: 1") as (stack, _), AsyncExitStack() as closed:
        wire = await closed.enter_async_context(connected(port_of(stack)))
        wire.send(post(chat(400, stream=True, ignore_eos=True), TEAM))
        await wire.head()
        assert (await asked(stack))[0] == 429

        wire.close()

        await until_served(stack)
        assert (await asked(stack))[0] == 200  # a place is free as soon as its answer has ended


@pytest.mark.setting("keys.clients.*.budget_tokens", "keys.clients.*.budget_period")
async def test_a_budget_of_tokens(free_port: Port) -> None:
    team = "budget_tokens: 60, budget_period: day"
    async with keyed(free_port, team=team) as (stack, _):
        assert (await asked(stack, max_tokens=30, ignore_eos=True))[0] == 200
        guard = stack.instance._keys.observers[0]
        await eventually(lambda: guard.accounts["team"].spent.tokens >= 30)  # type: ignore[attr-defined]

        status, fields, body = await asked(stack, max_tokens=30)

    assert (status, body["error"]["code"]) == (429, "insufficient_quota")
    assert "60 tokens a day" in body["error"]["message"]
    assert int(fields["retry-after"]) <= 86_400 * 1.3


@pytest.mark.setting("keys.clients.*.budget_money", "keys.prices.*.input", "keys.prices.*.output")
async def test_a_budget_of_money_by_the_price_of_a_model(free_port: Port) -> None:
    prices = f"  prices: {{{MODEL}: {{input: 0, output: 1000000}}, other-*: {{input: 0}}}}\n"
    async with keyed(free_port, prices, team="budget_money: 5") as (stack, _):
        assert (await asked(stack, max_tokens=4))[0] == 200
        status, _, body = await asked(stack, max_tokens=4)
        assert (status, body["error"]["code"]) == (429, "insufficient_quota")
        assert (await asked(stack, max_tokens=400, model=OTHER))[0] == 200


@pytest.mark.setting("keys.clients.*.expires")
async def test_a_key_that_has_expired(free_port: Port) -> None:
    async with keyed(free_port, team="expires: 2020-01-01") as (stack, _):
        status, _, body = await asked(stack)

    assert (status, body["error"]["code"]) == (401, "api_key_expired")
    assert "ask who runs this proxy" in body["error"]["message"].lower()


async def test_a_key_revoked_in_mid_stream(free_port: Port) -> None:
    async with (
        keyed(free_port, team="", other="") as (stack, engine),
        connected(port_of(stack)) as wire,
    ):
        wire.send(post(chat(60, stream=True, ignore_eos=True), TEAM))
        reply = await wire.head()

        await stack.reload(backends(engine) + clients(other=""))

        await wire._body(reply)
        assert reply.body.endswith(b"data: [DONE]\n\n")
        wire.send(post(chat(60, stream=True, ignore_eos=True), TEAM))  # the same head
        assert (await wire.answer()).code == "api_key_unknown"


async def test_limits_change_while_clients_are_connected(free_port: Port) -> None:
    async with (
        keyed(free_port, team="requests_per_minute: 1") as (stack, engine),
        connected(port_of(stack)) as wire,
    ):

        async def status() -> int:
            wire.send(post(chat(1), TEAM))
            return (await wire.answer()).status

        assert [await status(), await status()] == [200, 429]
        await stack.reload(backends(engine) + clients(team="requests_per_minute: 3"))
        assert [await status(), await status(), await status()] == [200, 200, 429]


async def test_keys_can_be_brought_and_taken_while_clients_are_connected(free_port: Port) -> None:
    async with (
        running(Profile()) as engine,
        serving(backends(engine), free_port) as stack,
        connected(port_of(stack)) as wire,
    ):
        for listed, fields, expected in (
            ("", (TEAM,), 200),
            (clients(team=""), (TEAM,), 200),
            ("", (), 200),
            (clients(team=""), (), 401),
        ):
            await stack.reload(backends(engine) + listed)
            wire.send(post(chat(1), *fields))
            assert (await wire.answer()).status == expected


@pytest.mark.setting("keys.pass_through")
async def test_credentials_pass_only_if_that_is_chosen_and_the_engine_has_no_key(
    free_port: Port,
) -> None:
    async def seen(more: str) -> str:
        async with (
            running(Profile()) as engine,
            serving(more % engine.url, free_port) as stack,
            connected(port_of(stack)) as wire,
        ):
            wire.send(post(chat(1), "Authorization: Bearer own"))
            assert (await wire.answer()).status == 200
            (record,) = engine.requests
            return (record.header(b"authorization") or b"").decode()

    assert await seen("backends: [{url: '%s'}]\n") == ""
    passing = "keys: {pass_through: true}\n"
    assert await seen("backends: [{url: '%s'}]\n" + passing) == "Bearer own"
    keyed_engine = "backends: [{url: '%s', api_key: engines}]\n" + passing
    assert await seen(keyed_engine) == "Bearer engines"


@pytest.mark.setting("limits.keep_places")
@pytest.mark.parametrize("keep", ["0s", "1h"])
async def test_a_place_is_kept_for_the_tenant_that_has_just_left_it(
    free_port: Port, keep: str
) -> None:
    async with running(Profile(pace=0.01)) as engine:
        document = f"{backends(engine, max_in_flight=2)}limits: {{keep_places: {keep}}}\n"
        async with serving(document + clients(quiet="", loud=""), free_port) as stack:

            def ask(name: str, tokens: int) -> "asyncio.Task[tuple[int, Any, Any]]":
                asking = asked(stack, name, max_tokens=tokens, ignore_eos=True)
                return asyncio.create_task(asking)

            first = [ask("loud", 20) for _ in range(2)]
            await eventually(lambda: len(engine.requests) == 2)
            quiet = ask("quiet", 20)
            await eventually(lambda: stack.instance.queues() == {MODEL: 1})
            loud = [ask("loud", 60) for _ in range(3)]
            for each in (*first, quiet):
                assert (await each)[0] == 200

            # kept: one of the loud tenant's at the engine, two in line, and a place free
            (backend,) = stack.instance.backends()
            kept = keep != "0s"
            await eventually(lambda: backend.in_flight == (1 if kept else 2))
            assert stack.instance.queues() == {MODEL: 2 if kept else 1}
            assert (await ask("quiet", 2))[0] == 200
            for each in loud:
                each.cancel()


@pytest.mark.setting("keys.clients.*.priority", "keys.clients.*.tenant")
async def test_priority_and_tenant_are_those_of_the_key(free_port: Port) -> None:
    async with keyed(free_port, team="priority: -3, tenant: research") as (stack, _):
        await asked(stack)
        book = stack.instance._keys.readers[0]
        await eventually(lambda: bool(book.requests))  # type: ignore[attr-defined]

        assert book.requests == {("team", "research", "ok"): 1}  # type: ignore[attr-defined]
        text = b"".join(stack.instance.metrics.parts()).decode()
        line = 'headrace_key_requests_total{key="team",result="ok",tenant="research"} 1.0'
        assert line in text
        guard = stack.instance._course.guard
        assert guard is not None
        found = guard.find(b"TEAM")
        assert isinstance(found, tuple)
        assert found[0].priority == -3


async def test_what_passes_through_is_guarded_too(free_port: Port) -> None:
    team = "requests_per_minute: 1"
    async with keyed(free_port, team=team, some=f"models: [{MODEL}]") as (stack, _):

        async def code(*fields: str) -> tuple[int, str]:
            async with connected(port_of(stack)) as wire:
                wire.send(get("/v1/files", *fields))
                reply = await wire.answer()
                return reply.status, reply.code

        assert await code() == (401, "api_key_missing")
        assert await code("Authorization: Bearer SOME") == (403, "path_not_allowed")
        await code(TEAM)
        assert await code(TEAM) == (429, "rate_limit_exceeded")


@pytest.mark.setting("keys.database")
async def test_keys_of_a_database_come_go_and_leave_their_usage(
    free_port: Port, tmp_path: Path
) -> None:
    path = tmp_path / "keys.db"

    def make() -> None:
        with closing(connect(path)) as connection:
            secret = Secret(digest=keys.digest("TEAM"), shown="TE")
            key = keys.Key(name="team", tenant="t")
            Keystore(connection).create(key, secret, now=1.0, expires=None)

    def change(*words: str) -> None:
        assert app.run(["keys", *words, "--database", str(path)]) == 0

    async with running(Profile()) as engine:
        document = f"{backends(engine)}keys: {{database: {path}}}\n"
        async with serving(document, free_port) as stack:
            assert (await asked(stack))[0] == 401
            await asyncio.to_thread(make)
            await until_served(stack, max_tokens=3, ignore_eos=True)

            await asyncio.to_thread(change, "revoke", "team")

            async with asyncio.timeout(30):
                while (await asked(stack))[0] != 401:  # noqa: ASYNC110 - it is told of no event
                    await asyncio.sleep(0.05)

    def used() -> list[Row]:
        with closing(connect(path)) as connection:
            return Ledger(connection).sums(["key"], "2020-01-01", "2999-01-01")

    ((name, count, *_),) = await asyncio.to_thread(used)
    assert name == "team"
    assert int(count) >= 1
