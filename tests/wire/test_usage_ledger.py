"""The ledger in a real PostgreSQL: replicas add up, nothing is lost or counted twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import asyncpg
import pytest

from benchmarks.fake.engine import running
from benchmarks.fake.profile import Profile
from proxy.boot.ledgering import RemoteLedger
from proxy.cli import app
from proxy.core.usage import Batch, Used
from proxy.settings.credential import Secret
from proxy.telemetry.ledger import Row
from proxy.telemetry.postgres import PostgresLedger
from tests.fixtures.keyed import clients
from tests.fixtures.postgres_server import Database, needed, postgres_server
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving

Port = Callable[[], int]
pytestmark = needed
BEARER = {"authorization": "Bearer TEAM"}
TODAY = datetime.now(UTC).date()
ALL = date(2020, 1, 1), date(2120, 1, 1)


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with postgres_server() as found:
        yield found


@pytest.fixture
async def database(server: Database) -> Database:
    """Return the server without tables."""
    connection = await asyncpg.connect(server.url)
    await connection.execute("DROP TABLE IF EXISTS headrace_usage, headrace_usage_writers")
    await connection.close()
    return server


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[PostgresLedger]:
    ledger = await PostgresLedger.open(database.url)
    try:
        await ledger.prepare()
        yield ledger
    finally:
        await ledger.close()


async def sums(database: Database, *by: str) -> list[Row]:
    async with opened(database) as ledger:
        return await ledger.sums(by, *ALL)


def used(model: str = "m", key: str = "a", requests: int = 1, day: str = "2026-11-22") -> Used:
    return Used(
        day=day,
        key=key,
        tenant="t",
        model=model,
        requests=requests,
        tokens_in=10 * requests,
        tokens_out=requests,
        money=0.5 * requests,
    )


async def test_many_make_the_tables_and_add_at_the_same_time(database: Database) -> None:
    async def write(number: int) -> None:
        store = RemoteLedger(Secret(database.url))
        for serial in range(1, 11):
            # Each by an order of its own: rows that are locked crosswise would stop them all.
            rows = [used(f"m{(number + each) % 5}") for each in range(5)]
            await store.exchange(Batch(serial=serial, rows=rows), ())
        await store.close()

    await asyncio.gather(*(write(number) for number in range(6)))

    assert await sums(database, "key") == [("a", 300, 3000, 300, 150.0, 0)]
    assert [row[:2] for row in await sums(database, "model")] == [(f"m{n}", 60) for n in range(5)]


async def test_a_batch_that_comes_again_counts_once(database: Database) -> None:
    async with opened(database) as ledger:
        for serial in (1, 1, 2, 1):
            await ledger.add("me", Batch(serial=serial, rows=[used()]))
        await ledger.add("other", Batch(serial=1, rows=[used(requests=5)]))

        assert await ledger.sums(["key"], *ALL) == [("a", 7, 70, 7, 3.5, 0)]


async def test_names_that_no_table_takes_spoil_no_batch(database: Database) -> None:
    long = "\N{GRINNING FACE}" * 5000
    rows = [
        used("a\0b"),
        used("a\0b", key=long),
        used(long + "1"),
        used(long + "2"),
        used("\udc80"),
    ]
    async with opened(database) as ledger:
        await ledger.add("me", Batch(serial=1, rows=rows))

    found = await sums(database, "key", "model")

    kept = long[:200]
    assert [row[:3] for row in found] == [
        ("a", "?", 1),
        ("a", "a\ufffdb", 1),
        ("a", kept, 2),
        (kept, "a\ufffdb", 1),
    ]


async def test_what_was_spent_in_a_day_and_in_a_month(database: Database) -> None:
    async with opened(database) as ledger:
        rows = [used(day=day) for day in ("2026-10-31", "2026-11-01", "2026-11-30", "2026-12-01")]
        await ledger.add("me", Batch(serial=1, rows=rows))

        assert (await ledger.spent("2026-11"))["a"].tokens == 22
        assert (await ledger.spent("2026-11-30"))["a"].money == 0.5
        assert not await ledger.spent("2026-09")


# whole replicas ------------------------------------------------------------------------------


@asynccontextmanager
async def replicas(
    database: Database, port: Port, limits: str = ""
) -> AsyncIterator[tuple[Stack, Stack]]:
    async with running(Profile(pace=0.0)) as engine:
        more = f"  ledger: '{database.url}'\n"
        document = f"{backends(engine)}log: {{access: false}}\n{clients(team=limits)}{more}"
        async with serving(document, port) as one, serving(document, port) as other:
            yield one, other


async def ask(stack: Stack) -> int:
    body = {"model": MODEL, "messages": [], "max_tokens": 4, "ignore_eos": True}
    async with stack.client.post("/v1/chat/completions", json=body, headers=BEARER) as answer:
        await answer.read()
        return answer.status


def metric(stack: Stack, name: str) -> float:
    text = b"".join(stack.instance.metrics.parts()).decode()
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


async def written(stack: Stack) -> None:
    """Wait until everything that has ended is in the database."""
    keeping = stack.instance._keys
    await eventually(lambda: not stack.instance.in_flight())
    await eventually(lambda: not stack.instance._journal.tell())
    while metric(stack, "headrace_ledger_unwritten"):
        keeping.tend()
        await asyncio.sleep(0.01)


@pytest.mark.setting("keys.ledger")
async def test_two_replicas_add_up_and_usage_shows_it(
    database: Database,
    free_port: Port,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with replicas(database, free_port) as both:
        assert [await ask(both[number]) for number in (0, 1, 0)] == [200] * 3
    monkeypatch.setenv("HEADRACE_KEYS_LEDGER", database.url)
    capfd.readouterr()

    code = await asyncio.to_thread(app.run, ["usage", "--csv", "--by", "key,model"])

    shown = capfd.readouterr().out.splitlines()
    assert (code, shown[1].split(",")[:3]) == (0, ["team", MODEL, "3"])
    assert shown[1].split(",")[4] == "12"


@pytest.mark.slow
async def test_what_is_used_while_the_database_is_down_is_written_later(
    database: Database, free_port: Port
) -> None:
    async with replicas(database, free_port) as (one, _):
        assert await ask(one) == 200
        await written(one)
        await asyncio.to_thread(database.stop)
        try:
            assert [await ask(one) for _ in range(5)] == [200] * 5
            await eventually(lambda: not one.instance._journal.tell())
            one.instance._keys.tend()
            await eventually(lambda: metric(one, "headrace_ledger_errors_total") > 0)
            assert metric(one, "headrace_ledger_unwritten") > 0
        finally:
            await asyncio.to_thread(database.start)

        await written(one)
        assert [row[:2] for row in await sums(database, "key")] == [("team", 6)]


async def test_a_budget_is_spent_by_all(database: Database, free_port: Port) -> None:
    async with replicas(database, free_port, "budget_tokens: 100000") as both:
        accounts = [stack.instance._keys.accounts["team"] for stack in both]
        assert await ask(both[0]) == 200
        await written(both[0])
        spent = accounts[0].spent.tokens
        assert spent >= 4

        def learnt() -> bool:
            both[1].instance._keys.tend()
            return accounts[1].spent.tokens == spent

        await eventually(learnt)


def test_no_database_and_no_tables_are_told(
    server: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_KEYS_LEDGER", server.url.replace("/postgres?", "/none?"))
    assert app.run(["usage"]) == 1
    assert "keys.ledger cannot be read" in capfd.readouterr().err

    async def emptied() -> None:
        connection = await asyncpg.connect(server.url)
        await connection.execute("DROP TABLE IF EXISTS headrace_usage, headrace_usage_writers")
        await connection.close()

    asyncio.run(emptied())
    monkeypatch.setenv("HEADRACE_KEYS_LEDGER", server.url)
    assert app.run(["usage"]) == 1
    assert "no proxy has written it" in capfd.readouterr().err
