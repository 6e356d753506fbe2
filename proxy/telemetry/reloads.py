"""What became of the settings while the process runs: how often read again, and how that ended."""

from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum


class Result(StrEnum):
    """How one reading of the settings ended."""

    APPLIED = "applied"  # something changed
    UNCHANGED = "unchanged"  # they are in order, and say what holds already
    FAILED = "failed"  # they are not in order: those of before stay


class Reloads:
    """Counts readings. `wall` is the clock of Unix time.

    `valid` tells whether the settings on disk could be used when they were last read, `pending`
    names the keys that wait for a restart, `succeeded_at` is when they were last read in order.
    """

    __slots__ = ("_wall", "counts", "pending", "succeeded_at", "valid")

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self.counts: Counter[Result] = Counter(dict.fromkeys(Result, 0))
        self.valid = True
        self.pending: tuple[str, ...] = ()
        self.succeeded_at = wall()  # the start counts

    def took(self, result: Result, pending: Sequence[str] = ()) -> None:
        """Count settings that are in order."""
        self.counts[result] += 1
        self.valid = True
        self.pending = tuple(pending)
        self.succeeded_at = self._wall()

    def failed(self) -> None:
        """Count settings that are not."""
        self.counts[Result.FAILED] += 1
        self.valid = False
