"""One block of load: who is sent when, on which line, and what comes after an answer.

Open loop: every request has its instant, and is sent then or as soon after as the client gets to
it, never skipped; how late it was shows in `sent_ns - intended_ns`. Closed loop: at most
`concurrency` run, and a request is meant to be sent when its time has come and a place is free.
A later turn of a session is meant to be sent `think` seconds after the end of the turn before.
Where a closed loop has an end (`until`), nothing begins after it, and what runs then is waited for.
"""

import asyncio
import math
from collections.abc import Callable, Mapping

import msgspec

from benchmarks.client.dues import SECOND, Dues
from benchmarks.client.line import Line
from benchmarks.client.pacing import Agenda
from benchmarks.client.pool import Opened, Pool
from benchmarks.client.reading import Raw
from benchmarks.load.planned import Planned

AHEAD_NS = SECOND // 4  # how long before its time a request's connection is opened
_TICK = 0.05


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """What a course asks and tells while it runs."""

    message: Callable[[int], bytes]
    """Place in the schedule -> head and body."""
    ended: Callable[[Raw], None]
    """A request came to its end, whatever that was."""
    tick: Callable[[int], None] = lambda _ended: None
    """Called every 50 ms with how many have ended."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a course keeps to. Times are seconds."""

    limit: int | None
    """At most so many at once; None: an open loop."""
    timeout: float
    """Between sending a request and its end."""
    until: float = math.inf
    """Nothing begins later than this."""


class Course:
    """Sends a set of requests, by their place in the schedule, once."""

    __slots__ = (
        "_agenda",
        "_apart",
        "_armed_ns",
        "_done",
        "_dues",
        "_ended",
        "_free_ns",
        "_hooks",
        "_limit",
        "_pool",
        "_requests",
        "_running",
        "_starting",
        "_timeout_ns",
        "_until",
        "_until_ns",
    )

    def __init__(
        self,
        requests: Mapping[int, Planned],
        pool: Pool,
        agenda: Agenda,
        hooks: Hooks,
        bounds: Bounds,
    ) -> None:
        self._requests = requests
        self._pool = pool
        self._agenda = agenda
        self._hooks = hooks
        self._limit = bounds.limit
        self._timeout_ns = int(bounds.timeout * SECOND)
        self._until = bounds.until
        self._until_ns = math.inf
        self._dues = Dues({}, 0)
        self._ended = 0
        self._running: dict[int, tuple[Line, Raw]] = {}  # by time of sending
        self._starting = 0  # due, without a line so far
        self._apart: dict[int, asyncio.Task[Opened]] = {}
        self._armed_ns = 0
        self._free_ns = 0
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def prepare(self) -> None:
        """Open the connections of the beginning."""
        self._dues = Dues(self._requests, 0)
        self._pool.want(self._spare(0), at_once=True)
        await self._pool.settle()

    async def run(self, begin_ns: int) -> None:
        """Send everything, `begin_ns` being second 0, and return when the last has ended.

        If it is cancelled, what is under way is closed.
        """
        if not self._requests:
            return
        self._dues = Dues(self._requests, begin_ns)
        self._free_ns = begin_ns
        self._until_ns = begin_ns + self._until * SECOND
        self._arm()
        try:
            while not self._done.done():
                self._look_around()
                await asyncio.wait([self._done], timeout=_TICK)
        finally:
            for line, _ in self._running.values():
                line.close()
        self._hooks.tick(self._ended)

    # --- sending -----------------------------------------------------------------------------

    def _arm(self) -> None:
        head = self._dues.head()
        if head is None or head >= self._until_ns or self._agenda.clock() >= self._until_ns:
            return  # what is due but must not begin would ring the alarm for ever
        if (self._armed_ns and self._armed_ns <= head) or self._full():
            return
        self._armed_ns = head
        self._agenda.at(head, self._alarmed)

    def _alarmed(self) -> None:
        self._armed_ns = 0
        self._send_due()

    def _send_due(self) -> None:
        dues = self._dues
        while (head := dues.head()) is not None and not self._full():
            now = self._agenda.clock()
            if head > now or now >= self._until_ns:
                break
            due, index = dues.pop()
            self._begin(index, due if self._limit is None else max(due, self._free_ns))
        self._arm()

    def _full(self) -> bool:
        return self._limit is not None and len(self._running) + self._starting >= self._limit

    def _begin(self, index: int, intended_ns: int) -> None:
        planned, raw = self._requests[index], Raw(index, intended_ns)
        self._starting += 1
        if not planned.fresh and planned.read_rate is None:
            self._pool.take(lambda line, problem: self._go(raw, line, problem))
            return
        opening = self._apart.pop(index, None)
        if opening is None:
            opening = self._pool.apart(slow=planned.read_rate is not None)
        opening.add_done_callback(
            lambda done: None if done.cancelled() else self._go(raw, *done.result())
        )

    def _go(self, raw: Raw, line: Line | None, problem: str) -> None:
        self._starting -= 1
        if line is None:
            raw.failure, raw.ended_ns = problem, self._agenda.clock()
            self._over(raw)
            return
        planned = self._requests[raw.index]
        self._running[raw.index] = (line, raw)
        line.send(raw, self._hooks.message(raw.index), self._answered, read_rate=planned.read_rate)
        if planned.cancel_after is not None:
            when = raw.sent_ns + int(planned.cancel_after * SECOND)
            self._agenda.at(when, lambda: line.cancel(raw))

    # --- after the end -----------------------------------------------------------------------

    def _answered(self, line: Line, raw: Raw) -> None:
        del self._running[raw.index]
        planned = self._requests[raw.index]
        if planned.fresh or planned.read_rate is not None:
            line.close()
        else:
            if not (line.usable or raw.failure or raw.cancelled):
                self._pool.one_shot = True
            self._pool.give(line)
        self._over(raw)

    def _over(self, raw: Raw) -> None:
        self._ended += 1
        self._free_ns = raw.ended_ns
        self._dues.ended(raw.index, raw.ended_ns)
        self._hooks.ended(raw)
        if self._ended == len(self._requests) or self._closed(raw.ended_ns):
            self._finish()
        elif self._limit is None:
            self._arm()
        else:
            self._send_due()

    def _closed(self, now_ns: int) -> bool:
        return now_ns >= self._until_ns and not self._running and not self._starting

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    # --- now and then ------------------------------------------------------------------------

    def _look_around(self) -> None:
        now = self._agenda.clock()
        if self._closed(now):
            self._finish()
            return
        for line, raw in list(self._running.values()):
            if raw.sent_ns > now - self._timeout_ns:
                break
            line.give_up(raw, f"no end within {self._timeout_ns / SECOND:g} s")
        self._pool.trim(now)
        self._pool.want(self._spare(now))
        for index in self._dues.foresee(now + AHEAD_NS):
            planned = self._requests[index]
            if planned.read_rate is not None and not planned.fresh:
                self._apart[index] = self._pool.apart(slow=True)
        self._hooks.tick(self._ended)

    def _spare(self, now_ns: int) -> int:
        # Idle lines the next quarter of a second needs. In a closed loop lines come back when
        # places do, unless the other end closes them after each answer.
        coming = self._dues.coming(now_ns + AHEAD_NS)
        if self._limit is None:
            return coming
        taken = 0 if self._pool.one_shot else len(self._running) + self._starting
        return min(coming, self._limit - taken)
