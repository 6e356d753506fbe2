"""What is said to PostgreSQL; what it makes of it is shown by tests/wire/test_usage_ledger.py."""

from datetime import date
from typing import Any

import pytest

from proxy.core.usage import Batch, Used
from proxy.telemetry.postgres import LONGEST, PostgresLedger


class FakeConnection:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    async def execute(self, _statement: str, *values: Any) -> None:
        self.said.append(values)

    async def fetch(self, _statement: str, *values: Any) -> list[dict[str, Any]]:
        self.said.append(values)
        return []


async def test_a_batch_is_columns() -> None:
    connection = FakeConnection()
    rows = [
        Used(day="2026-11-22", key="a", tenant="t", model="m", requests=1, tokens_in=2, money=0.5),
        Used(day="2026-11-23", key="b", tenant="t", model="n", tokens_out=3, estimated=1),
    ]

    await PostgresLedger(connection).add("me", Batch(serial=7, rows=rows))

    assert connection.said == [
        (
            *("me", 7, [date(2026, 11, 22), date(2026, 11, 23)]),
            *(["a", "b"], ["t", "t"], ["m", "n"]),
            *([1, 0], [2, 0], [0, 3], [0.5, 0.0], [0, 1]),
        )
    ]


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a\0b", "a\ufffdb"), ("\ud800x", "?x"), ("x" * 999, "x" * LONGEST), ("größe", "größe")],
)
async def test_names_are_such_as_it_takes(name: str, kept: str) -> None:
    connection = FakeConnection()
    row = Used(day="2026-11-22", key="a", tenant="t", model=name)

    await PostgresLedger(connection).add("me", Batch(serial=1, rows=[row]))

    assert connection.said[0][5] == [kept]


@pytest.mark.parametrize(
    ("span", "first", "end"),
    [
        ("2026-11-30", date(2026, 11, 30), date(2026, 12, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2028-02", date(2028, 2, 1), date(2028, 3, 1)),
    ],
)
async def test_days_and_months_have_ends(span: str, first: date, end: date) -> None:
    connection = FakeConnection()

    await PostgresLedger(connection).spent(span)

    assert connection.said == [(first, end)]
