"""What every process has under way, in memory they share: one writer a place, no lock.

    area      places                 what
    requests  SLOTS x workers        requests under way at a backend, 64-bit integers
    work      SLOTS x workers        their estimated tokens, 64-bit floats
    waiting   (BUCKETS+1) x workers  calls that wait, by a hash of the model's name; last: all

The places of one backend stand together, so reading them all is one slice and one sum, 0.4 us for
four workers. A place is eight bytes at a multiple of eight: it is read whole or not at all.

Models are many and come and go, so they share buckets; two that share one are bounded together.
"""

import mmap
from collections.abc import Callable
from typing import Final
from zlib import crc32

from proxy.boot.tallies import Tallies, Tally

SLOTS: Final = 4096
BUCKETS: Final = 256
_WORD: Final = 8


class Board:
    """The memory itself, for `workers` processes. Make it before they are forked."""

    __slots__ = ("_memory", "counts", "tallies", "waiting", "work", "workers")

    def __init__(self, workers: int) -> None:
        self.workers = workers
        area = SLOTS * workers * _WORD
        self._memory = mmap.mmap(-1, 2 * area + (BUCKETS + 1) * workers * _WORD)
        whole = memoryview(self._memory)
        self.counts = whole[:area].cast("q")
        self.work = whole[area : 2 * area].cast("d")
        self.waiting = whole[2 * area :].cast("q")
        self.tallies = Tallies(workers)

    def requests_at(self, slot: int) -> int:
        """Return the requests all have at a backend."""
        first = slot * self.workers
        return sum(self.counts[first : first + self.workers])

    def work_at(self, slot: int) -> float:
        """Return their work."""
        first = slot * self.workers
        return sum(self.work[first : first + self.workers])

    def waits(self, worker: int) -> int:
        """Return how many calls wait in a process."""
        return self.waiting[BUCKETS * self.workers + worker]

    def wipe(self, worker: int) -> None:
        """Forget all that a process had: it is gone."""
        for area in (self.counts, self.waiting):
            for place in range(worker, len(area), self.workers):
                if area[place]:
                    area[place] = 0
        for place in range(worker, len(self.work), self.workers):
            self.work[place] = 0.0
        self.tallies.wipe(worker)


class Seat:
    """The places of one process; fulfils `core.peers.Board` and `core.admission.Elsewhere`."""

    __slots__ = ("_board", "_told", "_worker", "_workers", "on_freed", "tally")

    def __init__(self, board: Board, worker: int) -> None:
        self._board = board
        self._worker = worker
        self._workers = board.workers
        self.on_freed: Callable[[], None] = _nothing  # somebody in another process waits
        self.tally = Tally(board.tallies, worker)  # of the calls of each key

    @property
    def workers(self) -> int:
        """Return how many processes there are."""
        return self._workers

    def put(self, slot: int, count: int, work: float) -> None:
        """Write what this process has at a backend."""
        board, place = self._board, slot * self._workers + self._worker
        board.counts[place] = count
        board.work[place] = work

    def others(self, slot: int) -> tuple[int, float]:
        """Return what the other processes have there."""
        board, first = self._board, slot * self._workers
        last, mine = first + self._workers, first + self._worker
        counts, work = board.counts, board.work
        return (
            sum(counts[first:last]) - counts[mine],
            max(0.0, sum(work[first:last]) - work[mine]),  # never below zero by rounding
        )

    def freed(self) -> None:
        """Tell of a place that is free, if anybody elsewhere waits for one."""
        if self._elsewhere(BUCKETS):
            self.on_freed()

    def waits(self, model: str, change: int) -> None:
        """Count calls of this process that wait for a model in, or out."""
        waiting = self._board.waiting
        waiting[_bucket(model) * self._workers + self._worker] += change
        waiting[BUCKETS * self._workers + self._worker] += change

    def waiting(self, model: str) -> int:
        """Return how many wait for it in other processes."""
        return self._elsewhere(_bucket(model))

    def all_waiting(self) -> int:
        """Return how many wait in other processes, for any model."""
        return self._elsewhere(BUCKETS)

    def _elsewhere(self, bucket: int) -> int:
        waiting, first = self._board.waiting, bucket * self._workers
        return sum(waiting[first : first + self._workers]) - waiting[first + self._worker]


def _bucket(model: str) -> int:
    return crc32(model.encode(errors="surrogatepass")) % BUCKETS


def _nothing() -> None:
    return None
