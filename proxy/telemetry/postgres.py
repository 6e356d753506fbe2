"""The usage ledger in a PostgreSQL database, to which many processes on many machines add.

    headrace_usage          day, key, tenant, model: requests, tokens, money, estimated
    headrace_usage_writers  a line for each process: the serial of its last batch

A connection may break after a batch has been written and before that is known. So the batch carries
a serial, and one statement both notes the serial and adds the rows; a serial that is there already
adds nothing. Rows go in by the order of their key, so that two writers never wait for each other.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import asyncpg

from proxy.core.account import Cost
from proxy.core.usage import Batch
from proxy.telemetry.ledger import COLUMNS, GROUPS, Row

CONNECT: Final = 3.0  # seconds
ANSWER: Final = 5.0  # seconds for one statement
# Letters of a name that are kept: three of 200 fit into one entry of an index, 2,704 bytes.
LONGEST: Final = 200
# What may be met on the way. Wrong addresses are `InterfaceError`, too.
ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
MISSING: Final = asyncpg.UndefinedTableError  # nobody has written yet
_THERE: Final = "SELECT to_regclass('headrace_usage_writers') IS NOT NULL"  # made last
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS headrace_usage (
    day date, key text, tenant text, model text,
    requests bigint NOT NULL, tokens_in bigint NOT NULL, tokens_out bigint NOT NULL,
    money double precision NOT NULL, estimated bigint NOT NULL,
    PRIMARY KEY (day, key, tenant, model));
CREATE TABLE IF NOT EXISTS headrace_usage_writers (
    writer text PRIMARY KEY, serial bigint NOT NULL, written_at timestamptz NOT NULL);
"""
_FORGET: Final = "DELETE FROM headrace_usage_writers WHERE written_at < now() - interval '7 days'"
_ADD: Final = """
WITH mine AS (
    INSERT INTO headrace_usage_writers AS before VALUES ($1, $2, now())
    ON CONFLICT (writer) DO UPDATE SET serial = excluded.serial, written_at = excluded.written_at
    WHERE before.serial < excluded.serial RETURNING writer)
INSERT INTO headrace_usage AS had
SELECT day, key, tenant, model, sum(requests), sum(tokens_in), sum(tokens_out), sum(money),
    sum(estimated)
FROM unnest($3::date[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::float8[], $11::bigint[])
    AS used(day, key, tenant, model, requests, tokens_in, tokens_out, money, estimated)
WHERE EXISTS (SELECT FROM mine)
GROUP BY day, key, tenant, model ORDER BY day, key, tenant, model
ON CONFLICT (day, key, tenant, model) DO UPDATE SET
    requests = had.requests + excluded.requests, tokens_in = had.tokens_in + excluded.tokens_in,
    tokens_out = had.tokens_out + excluded.tokens_out, money = had.money + excluded.money,
    estimated = had.estimated + excluded.estimated
"""
_SPENT: Final = (
    "SELECT key, sum(tokens_in + tokens_out)::float8 AS tokens, sum(money) AS money"
    " FROM headrace_usage WHERE day >= $1 AND day < $2 GROUP BY key"
)


class PostgresLedger:
    """The tables, by one connection. Every method raises one of `ERRORS` if it fails."""

    __slots__ = ("_connection",)

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> "PostgresLedger":
        """Connect. No statement stays prepared: poolers hand a connection to others in between."""
        name = {"application_name": "headrace"}
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT,
            command_timeout=ANSWER,
            statement_cache_size=0,
            server_settings=name,
        )
        return cls(connection)

    async def prepare(self) -> None:
        """Make the tables, unless somebody has; forget processes that ended long ago."""
        connection = self._connection
        if not await connection.fetchval(_THERE):
            async with connection.transaction():
                # Two that make a table at the same time get in each other's way.
                await connection.execute("SELECT pg_advisory_xact_lock(hashtext('headrace_usage'))")
                await connection.execute(_TABLES)
        await connection.execute(_FORGET)

    async def add(self, writer: str, batch: Batch) -> None:
        """Add what has been used, unless this batch has been added before."""
        rows = batch.rows
        places = [
            [date.fromisoformat(one.day) for one in rows],
            *([_kept(getattr(one, name)) for one in rows] for name in GROUPS[1:]),
        ]
        sums = [[getattr(one, name) for one in rows] for name in COLUMNS]
        await self._connection.execute(_ADD, writer, batch.serial, *places, *sums)

    async def spent(self, span: str) -> Mapping[str, Cost]:
        """Return what each key has spent in a day (2026-11-22) or a month (2026-11)."""
        found = await self._connection.fetch(_SPENT, *_ends(span))
        return {row["key"]: Cost(tokens=row["tokens"], money=row["money"]) for row in found}

    async def sums(self, by: Sequence[str], since: date, until: date) -> list[Row]:
        """Return sums of the days from `since` to `until`, both included, grouped by `GROUPS`."""
        assert set(by) <= set(GROUPS)
        groups = ", ".join(by)
        shown = ", ".join("day::text" if one == "day" else one for one in by)
        kinds = ("double precision" if one == "money" else "bigint" for one in COLUMNS)
        sums = ", ".join(
            f"sum({column})::{kind}" for column, kind in zip(COLUMNS, kinds, strict=True)
        )
        found = await self._connection.fetch(
            f"SELECT {shown}, {sums} FROM headrace_usage"  # noqa: S608 - see GROUPS
            f" WHERE day BETWEEN $1 AND $2 GROUP BY {groups} ORDER BY {groups}",
            since,
            until,
        )
        return [tuple(row) for row in found]

    async def close(self) -> None:
        """Say goodbye."""
        await self._connection.close(timeout=1.0)

    def drop(self) -> None:
        """Close without a word: what the server makes of the last statement is not known."""
        self._connection.terminate()


def _kept(name: str) -> str:
    """Return what PostgreSQL takes of a name: models are called as clients like."""
    printed = name[:LONGEST].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return printed.encode(errors="replace").decode()


def _ends(span: str) -> tuple[date, date]:
    """Return the first day of a day or month, and the first after it."""
    if len(span) == len("2026-11-22"):
        first = date.fromisoformat(span)
        return first, first + timedelta(days=1)
    first = date.fromisoformat(f"{span}-01")
    return first, (first + timedelta(days=31)).replace(day=1)
