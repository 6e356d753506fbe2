"""Letting go in order: unready, open for a while, closed to new clients, then all calls ended.

    step      lasts until                              what holds meanwhile
    unready   drain.delay is over                      /readyz says 503; clients still come in
    closed    no call is left, or drain.timeout over   no listener; each answer is its client's last
    broken    the last bytes are out, or FLUSH over    what was left got an error event, or a 503

It is one way, and one for all: a signal and the preStop hook of a pod wait for the same drain.
`hurry` ends the present wait and the next.

Handed over, the listeners are another process's already: then they are left at once, and the delay
is for clients with an open connection, who learn from their next answer to open a new one. It is
longer, and over when there is none.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from proxy.core.failure import Failure, Kind, Origin
from proxy.edge.server import Edge
from proxy.edge.through import Through
from proxy.flow.attempts import Attempts
from proxy.flow.course import Course
from proxy.settings.schema import Drain

LOOK: Final = 0.02  # seconds between two looks while draining
# Seconds an idle client connection is left open when the listeners have been handed over: longer
# than most clients keep one, so that it is they who close it. Who closes first may cut a request.
LINGER: Final = 20.0
# Seconds before idle connections are closed: one accepted last, or one that was idle, may hold a
# request that nobody has read so far. Closed at once, it was reset: up to 31 at 200 a second.
UNREAD: Final = 0.1
FLUSH: Final = 2.0  # seconds for the last bytes of answers that are broken off

log = structlog.get_logger()


class Draining:
    """The end of one proxy's service. `settings` is asked when it begins, `idle` while it waits."""

    __slots__ = ("_course", "_edge", "_handed", "_hurry", "_idle", "_settings", "_task", "begun")

    def __init__(
        self, course: Course, edge: Edge, settings: Callable[[], Drain], idle: Callable[[], bool]
    ) -> None:
        self._course = course
        self._edge = edge
        self._settings = settings
        self._idle = idle
        self._hurry = asyncio.Event()
        self._handed = False
        self._task: asyncio.Task[None] | None = None
        self.begun = False

    def begin(self, *, handed_over: bool = False) -> asyncio.Task[None]:
        """Begin, unless it has begun; return what ends with it. Shield it from being cancelled."""
        if self._task is None:
            self._handed = handed_over
            self.begun = self._course.draining = True
            self._task = asyncio.get_running_loop().create_task(self._run(), name="drain")
        return self._task

    def hurry(self) -> None:
        """Cut the wait short."""
        self._hurry.set()

    async def _run(self) -> None:
        drain = self._settings()
        log.info(
            "draining", calls=len(self._course.calls), delay=drain.delay, timeout=drain.timeout
        )
        if self._handed:
            self._refuse_more()
            await self._wait_until(self._all_gone, max(drain.delay, LINGER))
        else:
            await self._wait_until(_never, drain.delay)
        self._refuse_more()
        self._edge.wind_up()
        await self._wait_until(self._all_gone, UNREAD)
        self._edge.close_idle()
        await self._wait_until(self._idle, drain.timeout)
        self._break_off()
        self._hurry.clear()
        await self._wait_until(self._all_gone, FLUSH)
        log.info("drained")

    def _all_gone(self) -> bool:
        return not self._edge.connections

    def _refuse_more(self) -> None:
        self._edge.draining = True
        self._edge.stop_accepting()

    def _break_off(self) -> None:
        left: tuple[Attempts | Through, ...] = (*self._course.calls, *self._edge.passing)
        if left:
            log.warning("breaking off calls", calls=len(left))
        for running in left:
            detail = "the proxy is stopping and the time for running answers is over"
            running.stop(
                Failure(kind=Kind.DRAINING, origin=Origin.PROXY, phase=running.phase, detail=detail)
            )

    async def _wait_until(self, over: Callable[[], bool], limit: float) -> None:
        now = self._course.now
        until = now() + limit
        # Looked at on the beat: what is waited for ends by itself and tells nobody.
        while not over() and not self._hurry.is_set() and now() < until:  # noqa: ASYNC110
            await asyncio.sleep(min(LOOK, max(0.0, until - now())))


def _never() -> bool:
    return False
