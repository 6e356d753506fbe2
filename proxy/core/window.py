"""How much may be taken within any stretch of a period: a sliding window.

Theory. What is taken goes into the slot of its time, 240 to a period; a slot counts until all of it
lies a whole period behind. So within any stretch of `period` seconds no more than `limit` is taken,
wherever the stretch begins. A window that starts anew each minute would let twice the limit through
around its turn, and a full token bucket twice the limit in its first minute. The price is that a
slot counts up to a 240th of the period too long: who takes all he can gets 0.4 % less.

    room     limit - what the slots hold
    take     adds to the slot of now; the slot is handed out, so that an estimate can be corrected
    correct  changes a slot that still counts; one that does not takes only what was missing, now
"""

from collections import deque
from math import inf
from typing import Final, Protocol

SLOTS: Final = 240  # of a minute: a quarter of a second each

Slot = list[float]  # its number, and what was taken in it


class Allowance(Protocol):
    """What an account asks before it takes: a window of its own, or a share of a common one."""

    limit: float

    def room(self, now: float) -> float:
        """Return how much may be taken now."""
        ...

    def remaining(self, now: float) -> float:
        """Return how much is left of the limit, as clients are told."""
        ...

    def take(self, amount: float, now: float) -> Slot:
        """Take so much, whether there is room or not; return where it is noted."""
        ...

    def correct(self, slot: Slot, difference: float, now: float) -> None:
        """Add to what was taken at first: the cost turned out to be another."""
        ...

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until so much can be taken; infinite if it never can."""
        ...

    def full_in(self, now: float) -> float:
        """Return the seconds until all of the limit can be taken, if nothing is taken before."""
        ...


class Window:
    """What one process has taken of one limit. Memory only for the slots that are in use."""

    __slots__ = ("_number", "_slot", "_slots", "limit", "taken")

    def __init__(self, limit: float, period: float = 60.0) -> None:
        self.limit = limit
        self.taken = 0.0
        self._slot = period / SLOTS
        self._number = -1.0  # of the slot in which it was last looked at
        self._slots: deque[Slot] = deque()

    def room(self, now: float) -> float:
        """Return how much may be taken now; less than nothing if too much was."""
        self._forget(now)
        return self.limit - self.taken

    def remaining(self, now: float) -> float:
        """Return what was left when it was last looked at."""
        return self.limit - self.taken

    def take(self, amount: float, now: float) -> Slot:
        """Take so much, whether there is room or not; return where it is noted."""
        number = self._forget(now)
        slots = self._slots
        if not slots or slots[-1][0] != number:
            slots.append([number, 0.0])
        slot = slots[-1]
        slot[1] += amount
        self.taken += amount
        return slot

    def correct(self, slot: Slot, difference: float, now: float) -> None:
        """Add to what a slot holds. One that counts no more gives nothing back."""
        number = self._forget(now)
        if slot[0] + SLOTS >= number:
            slot[1] += difference
            self.taken += difference
        elif difference > 0:
            self.take(difference, now)

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until so much can be taken; infinite if it is over the limit."""
        missing = amount - self.room(now)
        if missing <= 0:
            return 0.0
        if amount > self.limit:
            return inf
        for number, held in self._slots:
            missing -= held
            if missing <= 0:
                return max(0.0, self._ends(number) - now)
        return 0.0  # rounding: all slots together hold what is taken

    def full_in(self, now: float) -> float:
        """Return the seconds until nothing that was taken counts any more."""
        return max(0.0, self._ends(self._slots[-1][0]) - now) if self._slots else 0.0

    def _ends(self, number: float) -> float:
        return (number + 1 + SLOTS) * self._slot

    def _forget(self, now: float) -> float:
        """Drop what counts no more; return the number of the present slot."""
        number = now // self._slot
        if number == self._number:
            return number
        self._number = number
        slots, oldest = self._slots, number - SLOTS
        while slots and slots[0][0] < oldest:
            self.taken -= slots.popleft()[1]
        if not slots:
            self.taken = 0.0  # rounding must not pile up
        return number
