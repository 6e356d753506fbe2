"""Requests that wait for a backend with room: bounded, ordered, and always able to leave.

Theory. A queue in front of engines helps only while it is short: what waits longer than its client
waits is work for nobody. So it is bounded by number and by bytes, per model and over all models;
who finds it full is told when to come back, from the rate at which it has been draining.

Order is one number per ticket: `arrival + priority * AGING`. A class of priority is a head start of
AGING seconds over the next one. Inside a class that is first come, first served; between classes
the better one goes first, but nobody starves: after AGING seconds a ticket beats what arrives now
in the class above. As the number never changes, a heap keeps the order and the clock need not be
asked. Where several tenants wait, `core/turns` says what counts as the arrival.

Where several processes of this proxy serve, what waits in the others counts for the bounds, too:
`Elsewhere` knows. Order holds inside one process only.

Leaving is O(1): a ticket is struck out where it stands, and the heap drops the struck ones when
they come up, or when those are the majority.
"""

import heapq
import math
from collections.abc import Container, Iterator
from typing import Final, Generic, Protocol, TypeVar

import msgspec
from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.kept import Kept
from proxy.core.turns import Turns

AGING: Final = 10.0  # seconds that one step of priority is worth
WINDOW: Final = 10.0  # seconds over which the drain rate is smoothed
SAMPLE: Final = 1.0  # seconds between two readings of it
LONGEST: Final = 60  # seconds, of Retry-After
UNKNOWN: Final = 5  # seconds, of Retry-After while nothing is known about the drain rate
_SLACK: Final = 64  # struck tickets a heap may hold whatever its size

Item = TypeVar("Item")


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the queues. `count` requests and `bytes` of bodies per model, `timeout` in seconds.

    `total` times as much over all models. A count of 0 means: never wait. `keep` is for how many
    seconds places are kept for the tenant that has been using them; see `core/kept`.
    """

    count: int = 1024
    bytes: int = 256 * 1024 * 1024
    timeout: float = 30.0
    total: int = 4
    keep: float = 2.0


class Ticket(Generic[Item]):
    """A place in a queue. `waiting` until popped, taken or cancelled."""

    __slots__ = ("item", "key", "queued_at", "serial", "size", "waiting", "whose")

    def __init__(self, item: Item, *, size: int, whose: str, now: float, serial: int) -> None:
        self.item = item
        self.size = size
        self.whose = whose
        self.queued_at = self.key = now
        self.serial = serial  # breaks ties: first come, first served
        self.waiting = True

    def __lt__(self, other: "Ticket[Item]") -> bool:
        if self.key != other.key:
            return self.key < other.key
        return self.serial < other.serial

    @override
    def __repr__(self) -> str:
        state = "waiting" if self.waiting else "out"
        return f"<Ticket {self.serial} {state}>"


class Elsewhere(Protocol):
    """The queues of the other processes, by number of tickets."""

    def waits(self, model: str, change: int) -> None:
        """Hear that one more of this process waits, or one less."""

    def waiting(self, model: str) -> int:
        """Return how many wait for a model in the others."""

    def all_waiting(self) -> int:
        """Return how many wait for any."""


class _Nowhere:
    """There is no other process."""

    def waits(self, model: str, change: int) -> None:
        """Do nothing."""

    def waiting(self, model: str) -> int:
        """Return none."""
        return 0

    def all_waiting(self) -> int:
        """Return none."""
        return 0


class _Load:
    """What waits, over all models."""

    __slots__ = ("bytes", "count", "elsewhere", "serial")

    def __init__(self, elsewhere: Elsewhere | None = None) -> None:
        self.elsewhere = elsewhere or _Nowhere()
        self.count = 0
        self.bytes = 0
        self.serial = 0  # numbers tickets in order of arrival


class Queue(Generic[Item]):
    """The requests that wait for one model. Times are seconds of the loop's clock."""

    __slots__ = (
        "_heap",
        "_marked_at",
        "_marked_served",
        "_policy",
        "_rate",
        "_struck",
        "_total",
        "_turns",
        "bytes",
        "count",
        "kept",
        "model",
        "refused",
        "served",
    )

    def __init__(self, policy: Policy, total: _Load | None = None, model: str = "") -> None:
        self.model = model
        self.count = 0  # tickets that wait
        self.bytes = 0  # their sizes
        self.served = 0  # popped, ever
        self.refused = 0  # not let in, ever
        self.kept = Kept(policy.keep)
        self._policy = policy
        self._total = total if total is not None else _Load()
        self._heap: list[Ticket[Item]] = []
        self._turns = Turns()
        self._struck = 0  # tickets in `_heap` that do not wait any more
        self._rate: float | None = None  # tickets served a second
        self._marked_at = 0.0
        self._marked_served = 0

    def push(
        self, item: Item, *, size: int, priority: int, now: float, whose: str = ""
    ) -> Ticket[Item] | Failure:
        """Queue `item` of `size` bytes; a lower `priority` goes first, and tenants share evenly.

        Who waits too long cancels by itself. Fails with QUEUE_FULL, carrying `retry_after`.
        """
        if (full := self._full(size)) is not None:
            self.refused += 1
            return Failure(
                kind=Kind.QUEUE_FULL,
                origin=Origin.PROXY,
                phase=Phase.QUEUE,
                detail=full,
                retry_after=float(self.retry_after(now)),
            )
        self.kept.wait(now)
        if self.count:
            self._sample(now)
        else:  # an idle queue says nothing about how fast a busy one drains
            self._marked_at, self._marked_served = now, self.served
        ticket = self._enter(item, size=size, whose=whose, now=now)
        ticket.key = self._turns.arrive(whose, now, self._rate or 0.0) + priority * AGING
        heapq.heappush(self._heap, ticket)
        return ticket

    def bound(self, policy: Policy) -> None:
        """Put other bounds in force."""
        self._policy = policy
        self.kept.bound(policy.keep)

    @property
    def tenants(self) -> int:
        """Return how many tenants wait."""
        return self._turns.waiting

    def peek(self) -> Ticket[Item] | None:
        """Return the ticket that is next, without taking it."""
        heap = self._heap
        while heap and not heap[0].waiting:
            heapq.heappop(heap)
            self._struck -= 1
        return heap[0] if heap else None

    def pop(self) -> Ticket[Item] | None:
        """Take the ticket that is next, or None if nobody waits."""
        ticket = self.peek()
        if ticket is None:
            return None
        heapq.heappop(self._heap)
        self._struck -= 1
        self._leave(ticket)
        self.served += 1
        return ticket

    def waiting(self) -> Iterator[Ticket[Item]]:
        """Yield every ticket that waits, in order, of those that are here now.

        For when the first must stand back. Costs by how many are asked for, not by how many wait.
        """
        heap = self._heap.copy()
        while heap:
            ticket = heapq.heappop(heap)
            if ticket.waiting:
                yield ticket

    def take(self, ticket: Ticket[Item]) -> None:
        """Take a ticket that waits, as `pop` takes the next."""
        self._leave(ticket)
        self.served += 1
        self._tidy()

    def cancel(self, ticket: Ticket[Item]) -> None:
        """Strike out a ticket of this queue; harmless if it does not wait any more."""
        if ticket.waiting:
            self._leave(ticket)
            self._tidy()

    def retry_after(self, now: float, jitter: float = 0.0) -> int:
        """Return whole seconds after which asking again makes sense: 1 to `LONGEST`.

        The time this queue needs to drain at its present rate. `jitter` from 0 to 1 stretches it by
        up to a half, so that those sent away do not come back together.
        """
        self._sample(now)
        if self._rate is None:
            seconds = float(UNKNOWN)
        elif self._rate <= 0.0:
            seconds = float(LONGEST)
        else:
            seconds = self.count / self._rate
        return max(1, min(LONGEST, math.ceil(min(seconds, LONGEST) * (1.0 + jitter / 2))))

    def __len__(self) -> int:
        return self.count

    @override
    def __repr__(self) -> str:
        return f"<Queue {self.count} waiting, {self.bytes} bytes>"

    def _full(self, size: int) -> str | None:
        """Say which bound one more of `size` bytes would break."""
        policy, total = self._policy, self._total
        others = total.elsewhere
        if (waiting := self.count + others.waiting(self.model)) >= policy.count:
            return f"the queue of this model is full: {waiting} requests"
        if self.bytes + size > policy.bytes:
            return f"the queue of this model is full: {self.bytes} bytes"
        if (waiting := total.count + others.all_waiting()) >= policy.count * policy.total:
            return f"the queues of all models are full: {waiting} requests"
        if total.bytes + size > policy.bytes * policy.total:
            return f"the queues of all models are full: {total.bytes} bytes"
        return None

    def _enter(self, item: Item, *, size: int, whose: str, now: float) -> Ticket[Item]:
        total = self._total
        total.serial += 1
        ticket = Ticket(item, size=size, whose=whose, now=now, serial=total.serial)
        self.count += 1
        self.bytes += size
        total.count += 1
        total.bytes += size
        total.elsewhere.waits(self.model, 1)
        return ticket

    def _leave(self, ticket: Ticket[Item]) -> None:
        ticket.waiting = False
        self._turns.leave(ticket.whose)
        self._struck += 1
        self.count -= 1
        self.bytes -= ticket.size
        self._total.count -= 1
        self._total.bytes -= ticket.size
        self._total.elsewhere.waits(self.model, -1)

    def _tidy(self) -> None:
        """Build the heap anew when most of what it holds is struck out."""
        if self._struck > self.count + _SLACK:
            self._heap = [ticket for ticket in self._heap if ticket.waiting]
            heapq.heapify(self._heap)
            self._struck = 0

    def _sample(self, now: float) -> None:
        """Take a reading of the drain rate, at most once in `SAMPLE` seconds."""
        elapsed = now - self._marked_at
        if elapsed < SAMPLE:
            return
        latest = (self.served - self._marked_served) / elapsed
        self._marked_at, self._marked_served = now, self.served
        if self._rate is None:
            self._rate = latest
        else:
            self._rate += (latest - self._rate) * -math.expm1(-elapsed / WINDOW)


class Queues(Generic[Item]):
    """The queues of all models, under common bounds."""

    __slots__ = ("_load", "_policy", "_queues", "waited")

    def __init__(self, policy: Policy, elsewhere: Elsewhere | None = None) -> None:
        self._policy = policy
        self._load = _Load(elsewhere)
        self._queues: dict[str, Queue[Item]] = {}
        self.waited = False  # somebody has, ever

    def bound(self, policy: Policy) -> None:
        """Put other bounds in force; who waits already is left alone."""
        self._policy = policy
        for queue in self._queues.values():
            queue.bound(policy)

    @property
    def count(self) -> int:
        """Return how many requests wait, over all models."""
        return self._load.count

    @property
    def bytes(self) -> int:
        """Return the size of their bodies together."""
        return self._load.bytes

    def queue(self, model: str) -> Queue[Item]:
        """Return the queue of `model`, made on first use."""
        queue = self._queues.get(model)
        if queue is None:
            queue = self._queues[model] = Queue(self._policy, self._load, model)
            self.waited = True
        return queue

    def kept(self, model: str) -> Kept | None:
        """Return the places of the tenants of `model`; None if nobody has ever waited for it."""
        queue = self._queues.get(model)
        return None if queue is None else queue.kept

    def busy(self) -> list[Queue[Item]]:
        """Return the queues in which someone waits, ordered by whose first ticket is next."""
        if not self._load.count:
            return []
        heads = [(head, queue) for queue in self._queues.values() if (head := queue.peek())]
        heads.sort(key=_head)
        return [queue for _, queue in heads]

    def prune(self, models: Container[str]) -> None:
        """Forget the empty queues of models other than `models`."""
        for model in [name for name, queue in self._queues.items() if not queue.count]:
            if model not in models:
                del self._queues[model]

    def items(self) -> Iterator[tuple[str, Queue[Item]]]:
        """Return every model and its queue, for metrics."""
        return iter(self._queues.items())

    def __len__(self) -> int:
        return self._load.count


def _head(entry: tuple[Ticket[Item], Queue[Item]]) -> tuple[float, int]:
    return entry[0].key, entry[0].serial
