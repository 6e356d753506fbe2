"""The usage ledger: what each key has used of each model on each day, in a SQLite file.

Several processes may write the same file: each adds what is its own. Everything here blocks.
"""

import csv
import io
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from proxy.core.account import Cost
from proxy.core.usage import Used

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS usage (day TEXT, key TEXT, tenant TEXT, model TEXT,"
    " requests INTEGER, tokens_in INTEGER, tokens_out INTEGER, money REAL, estimated INTEGER,"
    " PRIMARY KEY (day, key, tenant, model)) WITHOUT ROWID"
)
_ADD: Final = (
    "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    " requests = requests + excluded.requests, tokens_in = tokens_in + excluded.tokens_in,"
    " tokens_out = tokens_out + excluded.tokens_out, money = money + excluded.money,"
    " estimated = estimated + excluded.estimated"
)
_SPENT: Final = (
    "SELECT key, SUM(tokens_in + tokens_out), SUM(money) FROM usage WHERE day LIKE ? GROUP BY key"
)
# What sums can be by. The words stand in a statement, so no others may.
GROUPS: Final = ("day", "key", "tenant", "model")
COLUMNS: Final = ("requests", "tokens_in", "tokens_out", "money", "estimated")

Row = tuple[str | int | float, ...]


class Ledger:
    """The table. `add` may be part of a transaction of the caller's."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(_TABLE)

    def add(self, rows: Sequence[Used]) -> None:
        """Add what has been used."""
        self._connection.executemany(
            _ADD,
            [
                (*one.place, one.requests, one.tokens_in, one.tokens_out, one.money, one.estimated)
                for one in rows
            ],
        )

    def spent(self, span: str) -> Mapping[str, Cost]:
        """Return what each key has spent in a day (2026-11-22) or a month (2026-11)."""
        rows = self._connection.execute(_SPENT, (f"{span}%",)).fetchall()
        return {key: Cost(tokens=tokens, money=money) for key, tokens, money in rows}

    def sums(self, by: Sequence[str], since: str, until: str) -> list[Row]:
        """Return sums of the days from `since` to `until`, both included, grouped by `GROUPS`."""
        assert set(by) <= set(GROUPS)
        groups = ", ".join(by)
        sums = ", ".join(f"SUM({column})" for column in COLUMNS)
        found: list[Row] = self._connection.execute(
            f"SELECT {groups}, {sums} FROM usage WHERE day BETWEEN ? AND ?"  # noqa: S608 - see GROUPS
            f" GROUP BY {groups} ORDER BY {groups}",
            (since, until),
        ).fetchall()
        return found


def as_csv(by: Sequence[str], rows: Sequence[Row]) -> str:
    """Return sums as CSV with a head line."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow((*by, *COLUMNS))
    out.writerows(rows)
    return text.getvalue()
