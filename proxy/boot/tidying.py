"""When the garbage collector looks at everything: seldom, and only where nobody would notice.

Calls are freed by reference counts. What is left in cycles (a few dozen objects a second where
engines fail; some at each reload) the collector finds by itself only after 10,000 of them, and the
older ones hours later: the memory of a process with faulty engines rose by 11 MiB an hour. A look
at everything takes 2 to 5 ms in a process with few connections and holds the loop meanwhile. With
thousands it would take tens of milliseconds: there it is left to the thresholds (`lean`).
"""

import gc
from collections.abc import Callable
from typing import Final

EVERY: Final = 60.0  # seconds
FEW: Final = 256  # connections of clients; each has a dozen objects, and a call some sixty more
MOST: Final = 0.005  # seconds; a look that took longer is not soon taken again
SELDOM: Final = 3600.0  # seconds


class Tidying:
    """Decides when to `collect`, from the time of `now`, and how long the last time took."""

    __slots__ = ("_collect", "_next", "_now")

    def __init__(
        self, now: Callable[[], float], collect: Callable[[], object] = gc.collect
    ) -> None:
        self._now = now
        self._collect = collect
        self._next = now() + EVERY

    def look(self, connections: int) -> None:
        """Collect now, if it is time and few `connections` are open."""
        begun = self._now()
        if begun < self._next or connections > FEW:
            return
        self._collect()
        ended = self._now()
        self._next = ended + (SELDOM if ended - begun > MOST else EVERY)
