"""`headrace usage`: what keys have used, from the ledger."""

import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.settings.credential import Secret
from proxy.settings.keystore import connect
from proxy.telemetry.ledger import COLUMNS, GROUPS, Ledger, Row, as_csv

_UNFOLDED = 10_000  # columns of a pipe: wider than any row


class Unreadable(Exception):  # noqa: N818  it is an answer
    """The ledger cannot be read; its words say why."""


def show(
    where: Path | Secret, by: Sequence[str], since: str | None, until: str | None, *, csv: bool
) -> int:
    """Print sums of these days, of this month without any; return the exit code.

    `where` is a SQLite file or the address of a PostgreSQL database.
    """
    today = datetime.now(UTC).date()
    first = _day(since, "--since") if since else today.replace(day=1)
    last = _day(until, "--until") if until else today
    for group in by:
        if group not in GROUPS:
            hint = f"{group!r} is none of {', '.join(GROUPS)}"
            raise typer.BadParameter(hint, param_hint="--by")
    try:
        if isinstance(where, Path):
            rows = _of_file(where, by, first, last)
        else:
            rows = _of_server(where, by, first, last)
    except Unreadable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if csv:
        sys.stdout.write(as_csv(by, rows))
    elif rows:
        width = None if sys.stdout.isatty() else _UNFOLDED
        Console(highlight=False, width=width).print(table(by, rows))
    else:
        sys.stdout.write(f"Nothing was used from {first} to {last}.\n")
    return 0


def _of_file(path: Path, by: Sequence[str], first: date, last: date) -> list[Row]:
    if not path.exists():
        raise Unreadable(f"There is no {path} yet: no proxy has written it.")
    try:
        with closing(connect(path)) as connection:
            return Ledger(connection).sums(by, first.isoformat(), last.isoformat())
    except sqlite3.Error as error:
        raise Unreadable(f"{path} cannot be read: {error}") from error


def _of_server(url: Secret, by: Sequence[str], first: date, last: date) -> list[Row]:
    from proxy.telemetry.postgres import ERRORS, MISSING, PostgresLedger

    async def asked() -> list[Row]:
        ledger = await PostgresLedger.open(url.reveal())
        try:
            return await ledger.sums(by, first, last)
        finally:
            await ledger.close()

    try:
        return asyncio.run(asked())
    except MISSING:
        raise Unreadable("There is no ledger there yet: no proxy has written it.") from None
    except ERRORS as error:
        reason = str(error) or type(error).__name__
        raise Unreadable(f"The database of keys.ledger cannot be read: {reason}") from error


def table(by: Sequence[str], rows: Sequence[Row]) -> Table:
    """Return the sums as a table."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in by:
        made.add_column(name)
    for name in COLUMNS:
        made.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        made.add_row(*(Text(_written(value)) for value in row))
    return made


def _written(value: str | float) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _day(text: str, flag: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day: 2026-11-22", param_hint=flag) from None
