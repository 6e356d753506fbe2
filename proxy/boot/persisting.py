"""The beat on which a process and the database of keys tell each other what is new.

One exchange at a time, in a thread; who is slow is not waited for. While the file cannot be used,
the keys of before stay, what is used is kept for later, and the log says so once.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from proxy.boot.storage import Storage
from proxy.core.keys import Key
from proxy.flow.books import Books
from proxy.flow.guard import Guard

LAST: Final = 3.0  # seconds for what is unwritten at the end of the process

log = structlog.get_logger()


class Persisting:
    """Keeps a guard and its books in step with the file at `path`; `told` gets other keys.

    Without `budgets` somebody else knows what has been spent of those.
    """

    __slots__ = ("_books", "_broken", "_budgets", "_guard", "_storage", "_task", "_told")

    def __init__(
        self,
        path: Path,
        guard: Guard,
        books: Books,
        told: Callable[[Sequence[Key]], None],
        *,
        budgets: bool = True,
    ) -> None:
        self._budgets = budgets
        self._storage = Storage(path)
        self._guard = guard
        self._books = books
        books.kept = True
        self._told = told
        self._task: asyncio.Task[None] | None = None
        self._broken = False

    def beat(self) -> None:
        """Exchange, unless that is under way."""
        if self._task is None or self._task.done():
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self.exchange(), name="keys")

    async def exchange(self) -> None:
        """Exchange once."""
        guard, books = self._guard, self._books
        calendar = guard.calendar
        accounts = tuple(guard.accounts.values()) if self._budgets else ()
        budgets = any((a.key.budget_tokens, a.key.budget_money) != (None, None) for a in accounts)
        spans = (calendar.day.name, calendar.month.name) if budgets else ()
        rows = books.written()
        for account in accounts:
            account.told(calendar)  # it is in the rows
        try:
            learnt = await asyncio.to_thread(self._storage.exchange, rows, spans)
        except (sqlite3.Error, OSError) as error:
            books.unwritten(rows)
            self._fails(error)
            return
        if self._broken:
            self._broken = False
            log.info("the database of keys can be used again")
        for account in accounts:
            span = calendar.day if account.key.budget_period == "day" else calendar.month
            total = learnt.spent.get(span.name, {}).get(account.key.name)
            if total is not None:
                account.learnt(span.name, total)
        if learnt.keys is not None:
            self._told(learnt.keys)

    async def stop(self) -> None:
        """Write what is left, for a few seconds at most."""
        try:
            async with asyncio.timeout(LAST):
                if self._task is not None:
                    await self._task
                await self.exchange()
                await asyncio.to_thread(self._storage.close)
        except TimeoutError:
            log.warning("usage was given up: the database of keys was too slow")

    def _fails(self, error: Exception) -> None:
        if not self._broken:
            self._broken = True
            next_step = "look at keys.database: its folder, its rights, the space left"
            log.error("the database of keys cannot be used", reason=str(error), next_step=next_step)
