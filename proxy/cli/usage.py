"""`headrace usage`: what keys have used, from the ledger."""

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

from proxy.settings.keystore import connect
from proxy.telemetry.ledger import COLUMNS, GROUPS, Ledger, Row, as_csv

_UNFOLDED = 10_000  # columns of a pipe: wider than any row


def show(path: Path, by: Sequence[str], since: str | None, until: str | None, *, csv: bool) -> int:
    """Print sums of these days, of this month without any; return the exit code."""
    today = datetime.now(UTC).date()
    first = _day(since, "--since") if since else today.replace(day=1)
    last = _day(until, "--until") if until else today
    for group in by:
        if group not in GROUPS:
            hint = f"{group!r} is none of {', '.join(GROUPS)}"
            raise typer.BadParameter(hint, param_hint="--by")
    if not path.exists():
        sys.stderr.write(f"There is no {path} yet: no proxy has written it.\n")
        return 1
    try:
        with closing(connect(path)) as connection:
            rows = Ledger(connection).sums(by, first.isoformat(), last.isoformat())
    except sqlite3.Error as error:
        sys.stderr.write(f"{path} cannot be read: {error}\n")
        return 1
    if csv:
        sys.stdout.write(as_csv(by, rows))
    elif rows:
        width = None if sys.stdout.isatty() else _UNFOLDED
        Console(highlight=False, width=width).print(table(by, rows))
    else:
        sys.stdout.write(f"Nothing was used from {first} to {last}.\n")
    return 0


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
