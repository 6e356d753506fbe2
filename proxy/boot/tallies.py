"""How many calls each key has under way, in memory that all workers share: one writer a table.

Theory. A limit of requests at once must hold over all workers, and keys come and go. So each worker
has a table of its own: a key's place in it follows from a hash of its name, or is the next one that
is free, and holds the hash and a count. A worker writes its own table and looks in those of the
others; as nobody else writes there and words of eight bytes are written whole, there is no lock. A
place once given stays, until the worker ends and its table is wiped.

Two workers may let a call in at the same moment without seeing each other: then the limit is passed
by one call for each further worker that did, for as long as those run.
"""

import mmap
from hashlib import blake2b
from typing import Final

PLACES: Final = 4096
# Keys of one worker. Beyond them each worker counts alone: searching a full table takes its time.
MOST: Final = 3072
_WORD: Final = 8


class Tallies:
    """The memory itself, for `workers` processes. Make it before they are forked."""

    __slots__ = ("_memory", "counts", "names", "workers")

    def __init__(self, workers: int) -> None:
        self.workers = workers
        area = PLACES * workers * _WORD
        self._memory = mmap.mmap(-1, 2 * area)
        whole = memoryview(self._memory)
        self.names = whole[:area].cast("Q")
        self.counts = whole[area:].cast("q")

    def find(self, worker: int, ident: int) -> int:
        """Return the place of a name in a worker's table, or the free one where it would stand."""
        first, names = worker * PLACES, self.names
        step = ident % PLACES
        while names[first + step] not in {ident, 0}:
            step = (step + 1) % PLACES
        return first + step

    def wipe(self, worker: int) -> None:
        """Forget all that a process had: it is gone."""
        for place in range(worker * PLACES, (worker + 1) * PLACES):
            if self.names[place]:
                self.counts[place] = 0
                self.names[place] = 0


class Tally:
    """One process's view of them; fulfils `core.account.Tally`."""

    __slots__ = ("_idents", "_memory", "_others", "_places", "_worker")

    def __init__(self, memory: Tallies, worker: int) -> None:
        self._memory = memory
        self._worker = worker
        self._others = [one for one in range(memory.workers) if one != worker]
        self._idents: dict[str, int] = {}
        self._places: dict[str, int] = {}  # of names in the own table

    def put(self, name: str, count: int) -> None:
        """Write how many calls of a key this process has under way."""
        place = self._places.get(name)
        if place is None:
            if len(self._places) >= MOST:
                return
            ident = self._ident(name)
            place = self._places[name] = self._memory.find(self._worker, ident)
            self._memory.counts[place] = count
            self._memory.names[place] = ident
            return
        self._memory.counts[place] = count

    def room(self, name: str, limit: float, _now: float) -> float:
        """Return what the other processes leave of a limit."""
        memory, ident = self._memory, self._ident(name)
        # A free place counts 0.
        return limit - sum([memory.counts[memory.find(one, ident)] for one in self._others])

    def _ident(self, name: str) -> int:
        ident = self._idents.get(name)
        if ident is None:
            found = blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()
            ident = int.from_bytes(found) or 1  # 0 stands for nobody
            if len(self._idents) >= PLACES:
                self._idents.clear()
            self._idents[name] = ident
        return ident
