"""What keys have used, in a PostgreSQL database that several replicas add to (`keys.ledger`).

The connection is opened at the first exchange and after every failure. While nothing has been used
and no key has a budget, the database is not spoken to.
"""

import secrets
from collections.abc import Sequence
from typing import Final

from proxy.boot.persisting import Learnt
from proxy.core.usage import Batch
from proxy.settings.credential import Secret
from proxy.telemetry.postgres import ERRORS, PostgresLedger


class RemoteLedger:
    """The database. Fulfils `persisting.Store`; has no keys."""

    __slots__ = ("_ledger", "_url", "_writer")

    name: Final = "the ledger of usage"
    hint: Final = "keys.ledger: its address, its password, whether the server runs"
    errors: Final = ERRORS

    def __init__(self, url: Secret) -> None:
        self._url = url
        self._writer = secrets.token_hex(8)  # no other process has it
        self._ledger: PostgresLedger | None = None

    async def exchange(self, batch: Batch, spans: Sequence[str]) -> Learnt:
        """Write and read; one of `errors` if it is not known what came of it."""
        try:
            ledger = self._ledger
            if ledger is None:
                ledger = self._ledger = await PostgresLedger.open(self._url.reveal())
                await ledger.prepare()
            if batch.rows:
                await ledger.add(self._writer, batch)
            return Learnt(spent={span: await ledger.spent(span) for span in spans})
        except BaseException:  # also when the process will not wait any longer
            if self._ledger is not None:
                self._ledger.drop()
                self._ledger = None
            raise

    async def close(self) -> None:
        """Close the connection."""
        if self._ledger is not None:
            await self._ledger.close()
            self._ledger = None
