"""What keys need beyond the process: further keys, and what was used, in one SQLite file.

    exchange    writes what was used, reads what has been spent in all and, if they are others than
                before, the keys; one transaction, in a thread, about once a second

What cannot be written stays with the caller and is written later, so a file that is locked or full
loses nothing while the process lives.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from proxy.core.account import Cost
from proxy.core.keys import Key
from proxy.core.usage import Used
from proxy.settings.keystore import Keystore, connect
from proxy.telemetry.ledger import Ledger


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange brought. `keys` is None if they are those of before.

    `spent` holds the sums of each key by the name of the day or month.
    """

    keys: Sequence[Key] | None
    spent: Mapping[str, Mapping[str, Cost]]


class Storage:
    """The file, opened at the first exchange. Belongs to one thread at a time."""

    __slots__ = ("_connection", "_path", "_version")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._version = -1  # of what others have written, as SQLite counts it

    def exchange(self, rows: Sequence[Used], spans: Sequence[str]) -> Learnt:
        """Write and read; sqlite3.Error or OSError if nothing came of it."""
        connection = self._connection
        if connection is None:
            connection = self._connection = connect(self._path)
            connection.execute("PRAGMA busy_timeout = 1000")
        store, ledger = Keystore(connection), Ledger(connection)
        with connection:
            connection.execute("BEGIN IMMEDIATE" if rows else "BEGIN")
            if rows:
                ledger.add(rows)
            spent = {span: ledger.spent(span) for span in spans}
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            keys = store.keys() if version != self._version else None
        self._version = version
        return Learnt(keys=keys, spent=spent)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
