"""A process's part of the requests at once that several replicas allow a key together.

Theory. The store knows how many places of a key's limit each process has, and until when. A process
begins what it has places for, so no request asks the store. A few times a second it tells:

    claim     how many calls run, and how many places it wants; or that it needs none any more
    answered  how many it has from now on, at least as many as run, and how many nobody has

Places that nobody needs are split: each process gets its part of them before it asks. Who has run
out while the store said that some were left begins one more call on trust and tells at once. So all
together run no more than the limit, and one call for each further process that trusts at the same
moment. Without an answer for a second (the first call after a pause, a store that is away) a
replica begins as many as its share: the limit divided by the number of replicas, at least one.

A place is good for a second here and for `KEPT` seconds in the store. So who is killed frees its
places by doing nothing, and who is only slow has stopped using them long before others may.
"""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

LASTS: Final = 1.0  # seconds places may be used without an answer
KEPT: Final = 5.0  # seconds after which the store gives them to others
PAUSE: Final = 2.0  # seconds without a call after which they are given back


class Within(Protocol):
    """The processes of one replica."""

    def put(self, name: str, count: int) -> None:
        """Write how many calls of a key this process has under way."""
        ...

    def room(self, name: str, limit: float, now: float) -> float:
        """Return how many it may have, if all may have `limit`."""
        ...


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What the store is told. `wanted` below 0: all places are given back."""

    limit: float
    running: int
    wanted: int


class Hold:
    """The places of one key in this process."""

    __slots__ = ("_begun", "_refused", "_wake", "held", "left", "limit", "running", "until", "used")

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._begun = 0  # calls since the last claim
        self._refused = 0
        self.limit = 0.0
        self.running = 0
        self.held = 0
        self.left = 0  # places that nobody had when the store answered
        self.until = 0.0  # when they are good no more
        self.used = 0.0  # when a call came last; 0: all is given back

    def put(self, count: int) -> None:
        """Note how many run."""
        if count > self.running:
            self._begun += 1
            if count >= self.held:
                self._wake()
        elif self.left <= 0 and count < self.held:  # others may want it
            self._wake()
        self.running = count

    def room(self) -> int:
        """Return how many may run, while places are good."""
        room = self.held + 1 if self.left > 0 else self.held
        if self.running >= room:
            self._refused = 1
            self._wake()
        return room

    def claim(self, now: float, *, leaving: bool) -> Claim:
        """Return what to tell the store; if it answers, `answered` follows."""
        idle = not self.running and now - self.used > PAUSE
        if leaving or idle:
            self.used = self.until = 0.0
            self.held = self.left = self._begun = self._refused = 0
            return Claim(limit=self.limit, running=0, wanted=-1)
        soon = self._begun if self.left > 0 else 0  # places are short: keep none for later
        wanted = self.running + soon + self._refused
        self._begun = self._refused = 0
        return Claim(limit=self.limit, running=self.running, wanted=wanted)

    def answered(self, held: int, left: int, now: float) -> None:
        """Take over what the store has noted."""
        if self.used:
            self.held, self.left, self.until = held, left, now + LASTS


class Places:
    """All keys of this process; fulfils `core.account.Tally`.

    `within` counts for the processes of this replica, if it has several; `wake` asks for an
    exchange soon.
    """

    __slots__ = ("_replicas", "_wake", "_within", "holds")

    def __init__(self, replicas: int, wake: Callable[[], None], within: Within | None) -> None:
        self._replicas = replicas
        self._wake = wake
        self._within = within
        self.holds: dict[str, Hold] = {}

    def put(self, name: str, count: int) -> None:
        """Note how many calls of a key run here."""
        if self._within is not None:
            self._within.put(name, count)
        hold = self.holds.get(name)
        if hold is None:
            hold = self.holds[name] = Hold(self._wake)
        hold.put(count)

    def room(self, name: str, limit: float, now: float) -> float:
        """Return how many may run here, if `limit` may everywhere."""
        hold = self.holds.get(name)
        if hold is None:
            hold = self.holds[name] = Hold(self._wake)
        hold.limit, hold.used = limit, now
        if now < hold.until:
            return min(limit, hold.room())
        share = min(limit, max(1, limit // self._replicas))
        return share if self._within is None else self._within.room(name, share, now)

    def claims(self, now: float, *, leaving: bool = False) -> list[tuple[str, Hold, Claim]]:
        """Return what the store is to be told, and forget keys that nobody uses."""
        for name in [name for name, one in self.holds.items() if not (one.used or one.running)]:
            del self.holds[name]
        return [(name, one, one.claim(now, leaving=leaving)) for name, one in self.holds.items()]
