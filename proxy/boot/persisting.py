"""The beat on which a process and a store of keys or of usage tell each other what is new.

One exchange at a time, never on the way of a request; who is slow is not waited for. While the
store cannot be used, the keys of before stay, what is used is kept for later, and the log says so
once. What was handed to the store is handed to it again as it was until that has come about.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import structlog

from proxy.core.account import Cost
from proxy.core.keys import Key
from proxy.core.usage import Batch
from proxy.flow.books import Books
from proxy.flow.guard import Guard

LAST: Final = 3.0  # seconds for what is unwritten at the end of the process
ROWS: Final = 1000  # in one batch: putting them into words keeps the loop for 2 ms

log = structlog.get_logger()


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange brought. `keys` is None if they are those of before.

    `spent` holds the sums of each key by the name of the day or month.
    """

    keys: Sequence[Key] | None = None
    spent: Mapping[str, Mapping[str, Cost]]


class Store(Protocol):
    """What keeps usage, keys or both."""

    @property
    def name(self) -> str:
        """Return what the log calls it."""
        ...

    @property
    def hint(self) -> str:
        """Return what to look at when it cannot be used."""
        ...

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """Return what an exchange raises that came to nothing."""
        ...

    async def exchange(self, batch: Batch, spans: Sequence[str]) -> Learnt:
        """Write and read."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class Persisting:
    """Keeps a guard and its books in step with a store; `told` gets other keys.

    Without `books` somebody else keeps what is used; without `budgets` somebody else knows what has
    been spent of those.
    """

    __slots__ = (
        "_batch",
        "_books",
        "_broken",
        "_budgets",
        "_guard",
        "_serial",
        "_store",
        "_task",
        "_told",
        "errors",
    )

    def __init__(
        self,
        store: Store,
        guard: Guard,
        books: Books | None,
        told: Callable[[Sequence[Key]], None],
        *,
        budgets: bool = True,
    ) -> None:
        self._budgets = budgets and books is not None
        self._store = store
        self._guard = guard
        self._books = books
        if books is not None:
            books.kept = True
        self._told = told
        self._task: asyncio.Task[None] | None = None
        self._batch: Batch | None = None
        self._serial = 0
        self._broken = False
        self.errors = 0  # exchanges that failed

    @property
    def unwritten(self) -> int:
        """Return how many sums wait to be written."""
        waiting = 0 if self._books is None else self._books.unwritten
        return waiting if self._batch is None else waiting + len(self._batch.rows)

    def beat(self) -> None:
        """Exchange, unless that is under way."""
        if self._task is None or self._task.done():
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self.exchange(), name="keys")

    async def exchange(self) -> None:
        """Exchange once."""
        batch = self._batch or self._next()
        self._batch = batch
        accounts = self._guard.accounts.values() if self._budgets and batch.whole else ()
        calendar = self._guard.calendar
        budgeted = [one for one in accounts if one.budgeted]
        spans = (calendar.day.name, calendar.month.name) if budgeted else ()
        try:
            learnt = await self._store.exchange(batch, spans)
        except self._store.errors as error:
            self._fails(error)
            return
        self._batch = None
        if self._broken:
            self._broken = False
            what = f"{self._store.name} can be used again"
            log.info(what)
        for account in budgeted:
            span = calendar.day if account.key.budget_period == "day" else calendar.month
            total = learnt.spent.get(span.name, {}).get(account.key.name)
            if total is not None:
                account.learnt(span.name, total)
        if learnt.keys is not None:
            self._told(learnt.keys)

    def _next(self) -> Batch:
        self._serial += 1
        books = self._books
        if books is None:
            return Batch(serial=self._serial, rows=())
        rows = books.written(ROWS)
        whole = not books.unwritten
        if self._budgets and whole:
            for account in self._guard.accounts.values():
                account.told(self._guard.calendar)  # it is in the rows
        return Batch(serial=self._serial, rows=rows, whole=whole)

    async def stop(self) -> None:
        """Write what is left, for a few seconds at most."""
        try:
            async with asyncio.timeout(LAST):
                if self._task is not None:
                    await self._task
                failed = self.errors
                await self.exchange()
                while self.unwritten and self.errors == failed:
                    await self.exchange()
                await self._store.close()
        except TimeoutError:
            self._gives_up("was too slow")
            return
        if self.unwritten:
            self._gives_up("cannot be used")

    def _gives_up(self, why: str) -> None:
        what = f"usage was given up: {self._store.name} {why}"
        log.warning(what, sums=self.unwritten)

    def _fails(self, error: Exception) -> None:
        self.errors += 1
        if not self._broken:
            self._broken = True
            what = f"{self._store.name} cannot be used"
            reason = str(error) or type(error).__name__
            log.error(what, reason=reason, next_step=f"look at {self._store.hint}")
