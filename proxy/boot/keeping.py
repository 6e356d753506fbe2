"""API keys from their settings: who judges calls, who counts, and how both follow a reload.

While nobody needs a key there is nothing here: no gate at the edge, no guard on the way of calls.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from proxy.boot.spans import calendar
from proxy.edge.gate import Gate
from proxy.flow.books import Books
from proxy.flow.guard import Guard, Tariff
from proxy.settings.keys import Keys, rates
from proxy.telemetry import families

if TYPE_CHECKING:
    from proxy.boot.leasing import Leasing
    from proxy.boot.persisting import Persisting, Store
    from proxy.core.account import Account, Maker, Tally
    from proxy.core.keys import Key
    from proxy.edge.models import Permits
    from proxy.edge.server import Edge
    from proxy.flow.course import Course, Observer
    from proxy.telemetry.journal import Reader
    from proxy.telemetry.metrics import Metrics

log = structlog.get_logger()


class Keeping:
    """The keys of clients in one process. `attach` follows once there is an edge.

    `make` makes what limits are counted in, if that is no window of this process alone, which is
    one of so many `processes`; in `tally` they see the calls that the others have under way.
    """

    def __init__(
        self,
        settings: Keys,
        course: "Course",
        *,
        wall: Callable[[], float] = time.time,
        make: "Maker | None" = None,
        tally: "Tally | None" = None,
        processes: int = 1,
    ) -> None:
        self._make = make
        self._tally = tally
        self._processes = processes
        self._settings = settings
        self._course = course
        self._wall = wall
        self._edge: Edge | None = None
        self._guard: Guard | None = None
        self._books: Books | None = None
        self._stored: Sequence[Key] = ()
        self._persisting: list[Persisting] = []
        self._leasing: Leasing | None = None
        self._judge()

    @property
    def accounts(self) -> "Mapping[str, Account]":
        """Return the account of each key, by its name."""
        return {} if self._guard is None else self._guard.accounts

    @property
    def observers(self) -> "tuple[Observer, ...]":
        """Return who must hear at once that a call has ended."""
        return () if self._guard is None else (self._guard,)

    @property
    def readers(self) -> "tuple[Reader, ...]":
        """Return who hears of it later, when its tokens are known."""
        return () if self._books is None else (self._books,)

    def attach(self, edge: "Edge", metrics: "Metrics") -> None:
        """Put up the gate, and tell what is counted."""
        self._edge = edge
        self._gate()
        metrics.tables.update(
            {
                families.KEYS.name: self._count,
                families.KEY_REQUESTS.name: self._requests,
                families.KEY_TOKENS.name: self._tokens,
                families.KEY_IN_FLIGHT.name: self._running,
                families.SHARED_UP.name: self._shared_up,
                families.SHARED_ERRORS.name: self._shared_errors,
                families.LEDGER_ERRORS.name: self._ledger_errors,
                families.LEDGER_UNWRITTEN.name: self._ledger_unwritten,
            }
        )

    def permits(self) -> "Permits | None":
        """Return what tells which models a client may see."""
        return None if self._guard is None or self._course.guard is None else self._guard.permits

    def renew(self, settings: Keys) -> None:
        """Let calls that begin from now on be judged by other settings."""
        before, self._settings = self._settings, settings
        self._judge()
        if (before.wanted, before.pass_through) != (settings.wanted, settings.pass_through):
            self._gate()

    async def start(self) -> None:
        """Learn the keys of the database before anybody is served."""
        settings = self._settings
        if settings.shared.url is not None:
            await self._share(self._made())
        if settings.ledger is not None:
            from proxy.boot.ledgering import RemoteLedger  # noqa: PLC0415 - loads a client

            await self._persist(RemoteLedger(settings.ledger), usage=True)
        if settings.database is not None:
            from proxy.boot.storage import Storage  # noqa: PLC0415 - loads SQLite

            await self._persist(Storage(Path(settings.database)), usage=settings.ledger is None)

    async def _persist(self, store: "Store", *, usage: bool) -> None:
        """Exchange with a store from now on; with one of them also what is used."""
        from proxy.boot.persisting import Persisting  # noqa: PLC0415 - only where there is a store

        guard, alone = self._made(), self._leasing is None
        books = self._books if usage else None
        persisting = Persisting(store, guard, books, self._learnt, budgets=alone)
        self._persisting.append(persisting)
        await persisting.exchange()

    async def _share(self, guard: Guard) -> None:
        from proxy.boot.leasing import Leasing  # noqa: PLC0415 - loads a client of Redis

        shared = self._settings.shared
        leasing = Leasing(shared, guard, self._course.now, self._processes, self._tally)
        self._leasing = leasing
        guard.share(leasing.lease, leasing.places)
        await leasing.start()

    async def stop(self) -> None:
        """Write what has been used."""
        for persisting in self._persisting:
            await persisting.stop()
        if self._leasing is not None:
            await self._leasing.stop()

    def tend(self) -> None:
        """Look at the clock: keys expire, and days end."""
        if self._guard is not None:
            self._guard.calendar = calendar(self._wall())
        for persisting in self._persisting:
            persisting.beat()

    def _learnt(self, keys: "Sequence[Key]") -> None:
        self._stored = keys
        self._judge()
        log.info("keys read", keys=len(keys))

    def _judge(self) -> None:
        settings = self._settings
        if not settings.wanted:
            self._course.guard = None
            return
        guard = self._made()
        known = {name: rates(one) for name, one in settings.prices.items()}
        guard.tariff = Tariff(known) if known else None
        # The settings win over the database: what stands in a file can be seen.
        listed = {key.name: key for key in (*self._stored, *settings.listed())}
        guard.renew(listed.values())
        self._course.guard = guard

    def _made(self) -> Guard:
        """Return the guard; once made it stays, and with it what has been counted."""
        if self._guard is None:
            self._guard = Guard(calendar(self._wall()), self._make, self._tally)
            self._books = Books(self._guard, self._course.now)
        return self._guard

    def _gate(self) -> None:
        settings, edge = self._settings, self._edge
        if edge is not None:
            needed = settings.wanted or settings.pass_through
            gate = Gate(self._course, pass_through=settings.pass_through) if needed else None
            edge.guarded_by(gate)

    # what is counted ---------------------------------------------------------------------------

    def _count(self) -> list[tuple[tuple[str, ...], float]]:
        return [((), 0 if self._guard is None else len(self._guard.accounts))]

    def _requests(self) -> list[tuple[tuple[str, ...], float]]:
        return [] if self._books is None else list(self._books.requests.items())

    def _tokens(self) -> list[tuple[tuple[str, ...], float]]:
        return [] if self._books is None else list(self._books.tokens.items())

    def _running(self) -> list[tuple[tuple[str, ...], float]]:
        accounts = () if self._guard is None else self._guard.accounts.values()
        return [((one.key.name, one.key.tenant), one.running) for one in accounts if one.running]

    def _shared_up(self) -> list[tuple[tuple[str, ...], float]]:
        return [] if self._leasing is None else [((), self._leasing.up)]

    def _shared_errors(self) -> list[tuple[tuple[str, ...], float]]:
        return [] if self._leasing is None else [((), self._leasing.errors)]

    def _ledger_errors(self) -> list[tuple[tuple[str, ...], float]]:
        return [((), sum(one.errors for one in self._persisting))] if self._persisting else []

    def _ledger_unwritten(self) -> list[tuple[tuple[str, ...], float]]:
        return [((), sum(one.unwritten for one in self._persisting))] if self._persisting else []
