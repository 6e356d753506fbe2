"""The ledger: sums that several processes add to, told by day, key, tenant or model."""

import sqlite3
from collections.abc import Iterator

import pytest

from proxy.core.account import Cost
from proxy.core.usage import Used
from proxy.telemetry.ledger import Ledger, as_csv


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    connection = sqlite3.connect(":memory:")
    yield Ledger(connection)
    connection.close()


def used(day: str = "2026-11-22", key: str = "a", model: str = "m", n: int = 1) -> Used:
    return Used(
        day=day,
        key=key,
        tenant="t",
        model=model,
        requests=n,
        tokens_in=10 * n,
        tokens_out=n,
        money=0.5 * n,
        estimated=0,
    )


def test_what_is_added_is_summed(ledger: Ledger) -> None:
    ledger.add([used(), used(model="n")])
    ledger.add([used(n=2)])

    assert ledger.sums(["key"], "2026-11-01", "2026-11-30") == [("a", 4, 40, 4, 2.0, 0)]
    assert ledger.sums(["model"], "2026-11-01", "2026-11-30") == [
        ("m", 3, 30, 3, 1.5, 0),
        ("n", 1, 10, 1, 0.5, 0),
    ]


def test_days_are_from_and_to(ledger: Ledger) -> None:
    ledger.add([used("2026-11-21"), used("2026-11-22"), used("2026-11-23")])

    found = ledger.sums(["day", "tenant"], "2026-11-21", "2026-11-22")

    assert [row[:2] for row in found] == [("2026-11-21", "t"), ("2026-11-22", "t")]


def test_what_was_spent_in_a_day_and_in_a_month(ledger: Ledger) -> None:
    ledger.add([used("2026-10-31"), used("2026-11-01"), used("2026-11-22", key="b", n=3)])

    assert ledger.spent("2026-11") == {
        "a": Cost(tokens=11, money=0.5),
        "b": Cost(tokens=33, money=1.5),
    }
    assert ledger.spent("2026-11-22") == {"b": Cost(tokens=33, money=1.5)}


def test_csv_has_a_head_and_quotes_what_needs_it(ledger: Ledger) -> None:
    ledger.add([used(key='a,"b')])

    assert as_csv(["key"], ledger.sums(["key"], "2026-11-01", "2026-11-30")) == (
        'key,requests,tokens_in,tokens_out,money,estimated\n"a,""b",1,10,1,0.5,0\n'
    )
