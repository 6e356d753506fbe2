"""Deadlines of many items, looked at once a tick instead of one timer each.

Theory: a calendar of ticks. An item is filed under the tick in which its deadline falls. A holder
that makes progress only moves its own `deadline` (an attribute, or a property over timestamps it
keeps anyway) and tells nobody; when its page comes up, the wheel reads the deadline again and files
the item anew if it has moved away. So a connection that carries a thousand requests costs the wheel
one visit every few seconds, not a thousand timer changes. Only a deadline that moves *closer* must
be told, by another `add`. Pages are made on demand: any horizon costs the same, and a discarded
item is let go at once, together with whatever body it holds.

The loop timer that calls `advance` lives elsewhere; time is handed in.
"""

import math
from collections.abc import Iterator
from typing import Final, Protocol

from typing_extensions import override

TICK: Final = 0.05  # seconds
PARK: Final = 1.0  # seconds until an item without a deadline is looked at again


class Timed(Protocol):
    """What can be filed. Items are told apart by identity (the default hash)."""

    @property
    def deadline(self) -> float:
        """Return when the item is due, in seconds of the loop's clock; 0.0 = not at present."""

    def expired(self, now: float) -> None:
        """Act on the deadline; called by the driver for what `advance` returned."""


class Wheel:
    """Deadlines to the tick: an item is never due early, and late by one tick and a bit at most.

    `now` is the loop's clock at the start, in seconds. One owner; not for threads.
    """

    __slots__ = ("_filed", "_pages", "_per_second", "_reached", "tick")

    def __init__(self, now: float = 0.0, tick: float = TICK) -> None:
        self.tick = tick
        self._per_second = 1.0 / tick
        self._reached = math.floor(now * self._per_second)
        self._pages: dict[int, dict[Timed, None]] = {}
        self._filed: dict[Timed, int] = {}

    def add(self, item: Timed, when: float) -> None:
        """File `item` to be looked at when `when` has come; an item already filed is moved.

        With `when` at 0.0 or infinite the item is parked: looked at once a second until it has a
        deadline.
        """
        if not 0.0 < when < math.inf:
            when = self._reached * self.tick + PARK
        page = math.ceil(when * self._per_second)
        if page <= self._reached:
            page = self._reached + 1
        before = self._filed.get(item)
        if before == page:
            return
        if before is not None:
            self._strike(item, before)
        self._filed[item] = page
        there = self._pages.get(page)
        if there is None:
            self._pages[page] = {item: None}
        else:
            there[item] = None

    def discard(self, item: Timed) -> None:
        """Forget `item`; harmless if it is not filed."""
        page = self._filed.pop(item, None)
        if page is not None:
            self._strike(item, page)

    def advance(self, now: float) -> list[Timed]:
        """Return the items whose deadline has come, in order of filing, and forget them.

        The caller then calls `expired` on each. One item's `expired` may end another of the same
        list, so it must do no harm to an item that is over.
        """
        reached = math.floor(now * self._per_second)
        if reached <= self._reached:
            return []
        pages = self._open(reached)
        self._reached = reached
        due: list[Timed] = []
        for page in pages:
            for item in page:
                del self._filed[item]
                deadline = item.deadline
                if 0.0 < deadline <= now:
                    due.append(item)
                else:
                    self.add(item, deadline)
        return due

    def __len__(self) -> int:
        return len(self._filed)

    def __contains__(self, item: Timed) -> bool:
        return item in self._filed

    @override
    def __repr__(self) -> str:
        return f"<Wheel {len(self._filed)} items on {len(self._pages)} pages of {self.tick:g} s>"

    def _open(self, reached: int) -> list[dict[Timed, None]]:
        """Take out every page up to and including `reached`."""
        missed = reached - self._reached
        numbers: Iterator[int] | list[int] = iter(range(self._reached + 1, reached + 1))
        if missed > len(self._pages):  # after a pause: look at the pages, not at the years
            numbers = sorted(number for number in self._pages if number <= reached)
        return [page for number in numbers if (page := self._pages.pop(number, None)) is not None]

    def _strike(self, item: Timed, number: int) -> None:
        page = self._pages[number]
        del page[item]
        if not page:
            del self._pages[number]
