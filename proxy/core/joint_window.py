"""A window of one limit in several processes: each tells the others what it has taken.

What was taken here counts at once, what the others took as soon as it is told, a quarter of a
second later. So within a period no more than the limit is taken by all together, and what they can
take in that quarter of a second on top.
"""

from typing_extensions import override

from proxy.core.window import SLOTS, Slot, Window


class JointWindow(Window):
    """One process's view. `told` hands out what the others have not heard of yet."""

    __slots__ = ("_fresh",)

    def __init__(self, limit: float, period: float = 60.0) -> None:
        super().__init__(limit, period)
        self._fresh = 0.0

    @override
    def take(self, amount: float, now: float) -> Slot:
        """Take so much."""
        self._fresh += amount
        return super().take(amount, now)

    @override
    def claim(self, amount: float, now: float) -> Slot | None:
        """Take so much if there is room for it."""
        slot = super().claim(amount, now)
        if slot is not None:
            self._fresh += amount
        return slot

    @override
    def correct(self, slot: Slot, difference: float, now: float) -> None:
        """Add to what a slot holds; one that counts no more is taken anew by `take`."""
        if slot[0] + SLOTS >= now // self._slot:
            self._fresh += difference
        super().correct(slot, difference, now)

    def told(self) -> float:
        """Hand out what was taken since this was last asked."""
        fresh, self._fresh = self._fresh, 0.0
        return fresh

    def heard(self, amount: float, now: float) -> None:
        """Note what another process has taken."""
        super().take(amount, now)
