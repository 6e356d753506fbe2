"""Drives a batch in real time: one timer per engine step, none while the engine is idle."""

import asyncio
from collections.abc import Callable

from benchmarks.fake.batching import Batch


class Pacer:
    """Runs the steps of one batch on one event loop."""

    __slots__ = ("_batch", "_due", "_emitted", "_handle", "_loop", "_step")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: Batch,
        emitted: Callable[[int, float], None],
    ) -> None:
        self._loop = loop
        self._batch = batch
        self._emitted = emitted
        self._handle: asyncio.Handle | None = None
        self._due = 0.0
        self._step = 0.0

    def wake(self) -> None:
        """Something was added or may go on; starts a step unless one is under way."""
        if self._handle is None:
            self._due = self._loop.time()
            self._begin()

    def stop(self) -> None:
        """No further step."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _begin(self) -> None:
        step = self._batch.begin()
        if step is None:
            self._handle = None
            return
        self._step = step
        if step <= 0:
            self._handle = self._loop.call_soon(self._end)
            return
        # A late step is caught up with, unless a whole one was missed: then time starts anew.
        now = self._loop.time()
        start = self._due if now - self._due < step else now
        self._due = start + step
        self._handle = self._loop.call_at(self._due, self._end)

    def _end(self) -> None:
        self._emitted(self._batch.emit(instant=self._step <= 0), self._step)
        self._begin()
