"""What keys need beyond the process: further keys, and what was used, in one SQLite file.

    exchange    writes what was used, reads what has been spent in all and, if they are others than
                before, the keys; one transaction, in a thread, about once a second

What cannot be written stays with the caller and is written later, so a file that is locked or full
loses nothing while the process lives.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proxy.boot.persisting import Learnt
from proxy.core.usage import Batch
from proxy.settings.keystore import Keystore, connect
from proxy.telemetry.ledger import Ledger


class Storage:
    """The file, opened at the first exchange. One exchange at a time."""

    __slots__ = ("_connection", "_path", "_version")

    name: Final = "the database of keys"
    hint: Final = "keys.database: its folder, its rights, the space left"
    errors: Final = (sqlite3.Error, OSError)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._version = -1  # of what others have written, as SQLite counts it

    async def exchange(self, batch: Batch, spans: Sequence[str]) -> Learnt:
        """Write and read; one of `errors` if nothing came of it."""
        return await asyncio.to_thread(self._exchange, batch, spans)

    def _exchange(self, batch: Batch, spans: Sequence[str]) -> Learnt:
        rows, connection = batch.rows, self._connection
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

    async def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            await asyncio.to_thread(self._connection.close)
            self._connection = None
