"""A quiet interpreter for the time of a block: no garbage collection, and its pauses on record."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONG = 60.0  # seconds; longer blocks must be allowed to collect, seldom

_SELDOM = (100_000, 50, 1000)


class Pauses:
    """Remembers the longest collection. Used as an entry of `gc.callbacks`."""

    __slots__ = ("_began_ns", "_clock", "longest_ns")

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.longest_ns = 0
        self._began_ns = 0
        self._clock = clock

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        """Note the begin or the end of a collection."""
        if phase == "start":
            self._began_ns = self._clock()
        else:
            self.longest_ns = max(self.longest_ns, self._clock() - self._began_ns)


@contextmanager
def calm(span: float) -> Iterator[Pauses]:
    """Collect now, then not inside the context, or hardly if it lasts longer than a minute.

    What exists at the start is frozen: no collection looks at it.
    """
    pauses, was_on, thresholds = Pauses(), gc.isenabled(), gc.get_threshold()
    gc.collect()
    gc.freeze()
    if span > LONG:
        gc.set_threshold(*_SELDOM)
    else:
        gc.disable()
    gc.callbacks.append(pauses)
    try:
        yield pauses
    finally:
        gc.callbacks.remove(pauses)
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        if was_on:
            gc.enable()
