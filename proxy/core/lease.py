"""A replica's part of a limit that several replicas count together.

Theory. The store holds one sliding window for all. A replica holds a lease of it: an amount that
the store counts as taken already. What is taken here comes off the lease, so no request asks the
store. A few times a second each lease in use is told what it is and made anew:

    ask       what is held, in which slot of the store it counts, what was taken beyond it (debt),
              what turned out cheaper (refunds), how much is wanted
    answered  what is held from now on, and the slot; it is dated anew, so that what is taken late
              counts late. What was taken meanwhile has come off it already
    lost      nobody answered: the lease is given up. The store counts it as taken, for a period

Without a lease (the first calls after a pause, a store that is away) a replica takes up to its
share, the limit divided by the number of replicas, and owes it. So all replicas together take no
more than the limit in any period, but for what is taken without a lease: while the store answers,
that is what arrives before its first answer; while it is away, the shares.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from proxy.core.window import Slot, Window

LASTS: Final = 1.0  # seconds a lease may be used without an answer
PAUSE: Final = 2.0  # seconds without a call after which a lease is given back
FORWARD: Final = 2.0  # times what was taken since the last answer is wanted until the next


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What the store is told. `wanted` below 0: no call has come lately, take all back."""

    limit: float
    held: float
    slot: int
    debt: float
    refunds: Mapping[int, float]
    wanted: float
    replicas: int
    whole: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says: by how much the lease grows or shrinks, in which slot it counts now.

    left: what nobody holds. room_in: the seconds until the oldest of what was taken is forgotten.
    """

    granted: float
    slot: int
    left: float
    room_in: float = 0.0


class Lease:
    """Part of one limit of one key. Fulfils `core.window.Allowance`.

    `wake` asks for an exchange soon. `whole`: amounts are whole numbers.
    """

    __slots__ = (
        "_asked",
        "_debt",
        "_held",
        "_left",
        "_limit",
        "_own",
        "_refunds",
        "_refused",
        "_replicas",
        "_room_in",
        "_slot",
        "_taken",
        "_until",
        "_used_at",
        "_wake",
        "whole",
    )

    def __init__(
        self, limit: float, *, replicas: int, whole: bool, wake: Callable[[], None]
    ) -> None:
        self._limit = limit
        self._replicas = replicas
        self.whole = whole
        self._wake = wake
        self._own = Window(limit)  # what was taken here
        self._held = 0.0
        self._slot = 0  # of the store, in which the lease counts
        self._until = 0.0  # when it may be used no more
        self._left = 0.0
        self._room_in = 0.0
        self._debt = 0.0
        self._refunds: dict[int, float] = {}
        self._taken = 0.0  # since the last ask
        self._refused = 0.0  # the largest amount that was too much, since the last ask
        self._used_at = 0.0
        self._asked: Ask | None = None

    @property
    def limit(self) -> float:
        """Return what all replicas together may take."""
        return self._limit

    @limit.setter
    def limit(self, limit: float) -> None:
        self._limit = self._own.limit = limit

    @property
    def leased(self) -> bool:
        """Tell whether there is anything to be told to the store."""
        return bool(self._used_at or self._debt or self._refunds)

    # as a window ---------------------------------------------------------------------------------

    def room(self, now: float) -> float:
        """Return how much may be taken without asking."""
        if now < self._until:
            return self._held
        return self._limit / self._replicas + self._own.room(now) - self._limit

    def remaining(self, now: float) -> float:
        """Return what is left of the whole limit, as far as is known here."""
        return self._held + self._left if now < self._until else self.room(now)

    def take(self, amount: float, now: float) -> Slot:
        """Take off the lease; without one, owe it."""
        own = self._own.take(amount, now)
        self._taken += amount
        self._used_at = now
        if now < self._until:
            self._held -= amount
            return [own[0], float(self._slot)]
        if not self._debt:
            self._wake()
        self._debt += amount
        return [own[0], -1.0]

    def claim(self, amount: float, now: float) -> Slot | None:
        """Take so much if there is room for it without asking."""
        return self.take(amount, now) if self.room(now) >= amount else None

    def correct(self, slot: Slot, difference: float, now: float) -> None:
        """Owe what was missing; give back, to the slot it counts in, what was too much."""
        if difference > 0:
            self._debt += difference
            self._own.take(difference, now)
        elif slot[1] >= 0:
            counted = int(slot[1])
            self._refunds[counted] = self._refunds.get(counted, 0.0) - difference
        else:  # what was owed and has been told already is not given back
            self._debt = max(0.0, self._debt + difference)

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until so much may be there."""
        if self.room(now) >= amount:
            return 0.0
        if amount > self._limit:
            return float("inf")
        self._refused = max(self._refused, amount)
        self._used_at = now
        if now < self._until:
            return self._room_in if self._left < amount else LASTS
        return self._own.wait(amount + self._limit * (1 - 1 / self._replicas), now)

    # with the store ------------------------------------------------------------------------------

    def ask(self, now: float) -> Ask:
        """Return what the store is to be told; `answered` or `lost` must follow.

        An ask of before that was broken off counts as lost.
        """
        if self._asked is not None:
            self.lost()
        if now >= self._until:
            # Given up: what is held of it counts as taken until its period is over.
            self._held = min(0.0, self._held)
        idle = now - self._used_at > PAUSE
        owed = max(0.0, -self._held)
        ask = self._asked = Ask(
            limit=self._limit,
            held=max(0.0, self._held),
            slot=self._slot,
            debt=self._debt + owed,
            refunds=self._refunds,
            wanted=-1.0 if idle else max(self._refused, self._taken * FORWARD),
            replicas=self._replicas,
            whole=self.whole,
        )
        self._held += owed
        self._debt = self._taken = self._refused = 0.0
        self._refunds = {}
        if idle:
            self._used_at = 0.0
            self._until = 0.0  # calls that come meanwhile owe what they take
        return ask

    def answered(self, answer: Answer, now: float) -> None:
        """Take over the lease as the store has it."""
        asked, self._asked = self._asked, None
        assert asked is not None
        self._left, self._room_in = answer.left, answer.room_in
        if asked.wanted < 0:
            self._held = 0.0
            return
        self._held += answer.granted
        self._slot = answer.slot
        self._until = now + LASTS

    def lost(self) -> None:
        """Give the lease up: what the store has made of the last ask is not known.

        What was owed is owed still: it may then count twice, which errs on the safe side.
        """
        asked, self._asked = self._asked, None
        if asked is not None:
            self._debt += asked.debt
            for slot, amount in asked.refunds.items():
                self._refunds[slot] = self._refunds.get(slot, 0.0) + amount
        self._held = self._until = 0.0
