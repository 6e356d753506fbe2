"""The requests of a block as bytes, built before they are needed as far as memory allows."""

import time
from collections import deque
from collections.abc import Mapping

from benchmarks.client.requests import Heads, body
from benchmarks.client.target import Target
from benchmarks.load.planned import Planned, Schedule

BUDGET = 64 << 20  # bytes; what is built beyond is built while load runs
_TURN_NS = 500_000  # how long one refill may take from the load


class Messages:
    """Head and body by place in the schedule. Raises EndpointError for a target without URL."""

    __slots__ = ("_budget", "_built", "_heads", "_held", "_order", "_requests", "_schedule", "_to")

    def __init__(
        self,
        target: Target,
        schedule: Schedule,
        requests: Mapping[int, Planned],
        *,
        budget: int = BUDGET,
    ) -> None:
        self._to = target
        self._schedule = schedule
        self._requests = requests
        self._heads = Heads(target)
        self._budget = budget
        self._held = 0
        self._built: dict[int, bytes] = {}
        self._order = deque(sorted(requests, key=lambda index: (requests[index].at, index)))

    def __call__(self, index: int) -> bytes:
        """Hand a request out, once."""
        built = self._built.pop(index, None)
        if built is None:
            return self._make(index)
        self._held -= len(built)
        return built

    def fill(self, *, at_once: bool = False) -> None:
        """Build ahead within the budget; while load runs for half a millisecond at most."""
        stop = time.monotonic_ns() + _TURN_NS
        while self._order and self._held < self._budget:
            index = self._order.popleft()
            self._built[index] = self._make(index)
            self._held += len(self._built[index])
            if not at_once and time.monotonic_ns() > stop:
                return

    def _make(self, index: int) -> bytes:
        return self._heads.message(body(self._to, self._requests[index], self._schedule, index))
