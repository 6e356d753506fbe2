"""How much may be taken within any stretch of a period: a sliding window.

Theory. What is taken goes into the slot of its time, 240 to a period; a slot counts until all of it
lies a whole period behind. So within any stretch of `period` seconds no more than `limit` is taken,
wherever the stretch begins. A window that starts anew each minute would let twice the limit through
around its turn, and a full token bucket twice the limit in its first minute. The price is that a
slot counts up to a 240th of the period too long: who takes all he can gets 0.4 % less.

    room     limit - what the slots hold
    take     adds to the slot of now; the slot is handed out, so that an estimate can be corrected
    claim    takes if there is room: one call instead of two, for each request of a limited key
    correct  changes a slot that still counts; one that does not takes only what was missing, now

Time is looked at once a slot: until the present one ends, room is a subtraction and to take is two
additions. Who comes late, with a time before the present slot, takes from the present one.
"""

from collections import deque
from math import inf
from typing import Final, Protocol

SLOTS: Final = 240  # of a minute: a quarter of a second each
FULL_IN: Final = 60.0 * (1 + 1 / SLOTS)  # seconds from now until nothing taken so far counts

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

    def claim(self, amount: float, now: float) -> Slot | None:
        """Take so much if there is room for it; None if there is not."""
        ...

    def correct(self, slot: Slot, difference: float, now: float) -> None:
        """Add to what was taken at first: the cost turned out to be another."""
        ...

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until so much can be taken; infinite if it never can."""
        ...


class Window:
    """What one process has taken of one limit. Memory only for the slots that were looked at."""

    __slots__ = ("_present", "_slot", "_slots", "_until", "limit", "taken")

    def __init__(self, limit: float, period: float = 60.0) -> None:
        self.limit = limit
        self.taken: float = 0  # a whole number as long as what is taken is
        self._slot = period / SLOTS
        self._slots: deque[Slot] = deque()  # oldest first; the last one is the present one
        self._present: Slot = []
        self._until = -inf  # when the present slot ends

    def room(self, now: float) -> float:
        """Return how much may be taken now; less than nothing if too much was."""
        if now >= self._until:
            self._turn(now)
        return self.limit - self.taken

    def remaining(self, now: float) -> float:
        """Return what was left when it was last looked at."""
        return self.limit - self.taken

    def take(self, amount: float, now: float) -> Slot:
        """Take so much, whether there is room or not; return where it is noted."""
        if now >= self._until:
            self._turn(now)
        slot = self._present
        slot[1] += amount
        self.taken += amount
        return slot

    def claim(self, amount: float, now: float) -> Slot | None:
        """Take so much if there is room for it; None if there is not."""
        if now >= self._until:
            self._turn(now)
        taken = self.taken + amount
        if taken > self.limit:
            return None
        self.taken = taken
        slot = self._present
        slot[1] += amount
        return slot

    def correct(self, slot: Slot, difference: float, now: float) -> None:
        """Add to what a slot holds. One that counts no more gives nothing back."""
        if now >= self._until:
            self._turn(now)
        if slot[0] + SLOTS >= self._present[0]:
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

    def _ends(self, number: float) -> float:
        return (number + 1 + SLOTS) * self._slot

    def _turn(self, now: float) -> None:
        """Begin the slot of now, and drop those that count no more."""
        number = now // self._slot
        self._until = (number + 1) * self._slot
        slots, oldest = self._slots, number - SLOTS
        while slots and slots[0][0] < oldest:
            self.taken -= slots.popleft()[1]
        if not slots:
            self.taken = 0  # rounding must not pile up
        self._present = [number, 0]
        slots.append(self._present)
