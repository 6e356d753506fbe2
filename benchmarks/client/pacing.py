"""Calls at absolute instants of CLOCK_MONOTONIC, by a Linux timerfd.

A loop's own timers are too coarse for a load generator: uvloop's wheel has steps of 1 ms, asyncio
rounds what it gives to epoll up to the next one. A timerfd wakes the loop as a readable descriptor
within tens of microseconds. Elsewhere the loop's `call_at` is used, and `Agenda.method` says so.
"""

import asyncio
import ctypes
import errno
import heapq
import itertools
import os
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

_ABSOLUTE = 1  # TFD_TIMER_ABSTIME
_NONBLOCK = 0o4000  # TFD_NONBLOCK
_CLOEXEC = 0o2000000  # TFD_CLOEXEC
_SECOND = 1_000_000_000
NEVER = 1 << 63


class Alarm(Protocol):
    """Calls back once, at the instant it was last set to."""

    def set(self, at_ns: int) -> None:
        """Move the call to this instant; one that has passed means at once."""

    def close(self) -> None:
        """Call no more."""


class _Instant(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Instant), ("first", _Instant))


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _create() -> int:
    if sys.version_info >= (3, 13):
        return os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)
    made = _libc().timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCK | _CLOEXEC)
    if made < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    return int(made)


def _arm(descriptor: int, at_ns: int) -> None:
    # Setting a timer anew also takes back that it is readable, so nobody has to read it. Zero
    # would switch it off.
    at_ns = max(1, at_ns)
    if sys.version_info >= (3, 13):
        os.timerfd_settime_ns(descriptor, flags=os.TFD_TIMER_ABSTIME, initial=at_ns)
        return
    setting = _Setting(_Instant(0, 0), _Instant(at_ns // _SECOND, at_ns % _SECOND))
    if _libc().timerfd_settime(descriptor, _ABSOLUTE, ctypes.byref(setting), None) < 0:
        raise OSError(ctypes.get_errno(), "timerfd_settime")


def _silence(descriptor: int) -> None:
    try:
        os.read(descriptor, 8)
    except BlockingIOError:
        pass


class TimerFd:
    """An alarm by timerfd. Raises OSError or AttributeError where the system has none."""

    __slots__ = ("_call", "_descriptor", "_loop", "_set")

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._set = False
        self._descriptor = _create()
        loop.add_reader(self._descriptor, self._ready)

    def set(self, at_ns: int) -> None:
        """Move the call."""
        self._set = True
        _arm(self._descriptor, at_ns)

    def _ready(self) -> None:
        self._set = False
        self._call()
        if not self._set and self._descriptor >= 0:
            _silence(self._descriptor)

    def close(self) -> None:
        """Give the descriptor back."""
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1


class LoopTimer:
    """An alarm by the loop's own timers, a millisecond or so late."""

    __slots__ = ("_call", "_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at_ns: int) -> None:
        """Move the call."""
        self.close()
        self._handle = self._loop.call_later((at_ns - time.monotonic_ns()) / _SECOND, self._call)

    def close(self) -> None:
        """Call no more."""
        if self._handle is not None:
            self._handle.cancel()


def alarm(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> tuple[Alarm, str]:
    """Return the best alarm of this system, and its name for the report."""
    try:
        return TimerFd(loop, call), "timerfd"
    except AttributeError:
        return LoopTimer(loop, call), "the loop's timers"
    except OSError as problem:
        if problem.errno not in {errno.ENOSYS, errno.EINVAL, errno.EPERM}:
            raise
        return LoopTimer(loop, call), "the loop's timers"


class Agenda:
    """What is to be done when, in order; things due at one instant in the order they came.

    An engine's step brings one read for each of hundreds of streams, and a loop handles them all
    before it looks at its descriptors again. So whoever handles a read and has looked at the clock
    compares it with `next_ns` and calls `due` if that has passed: 5 ms of lag become 10 us.
    """

    __slots__ = ("_alarm", "_entries", "_number", "clock", "method", "next_ns")

    def __init__(
        self,
        alarm: Callable[[Callable[[], None]], tuple[Alarm, str]],
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.next_ns = NEVER
        self._entries: list[tuple[int, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self.clock = clock
        self._alarm, self.method = alarm(self.due)

    def at(self, at_ns: int, call: Callable[[], None]) -> None:
        """Call at this instant; never before, and not inside this call."""
        heapq.heappush(self._entries, (at_ns, next(self._number), call))
        if at_ns < self.next_ns:
            self._set(at_ns)

    def due(self) -> None:
        """Call everything whose instant has come."""
        entries = self._entries
        while entries and entries[0][0] <= self.clock():
            heapq.heappop(entries)[2]()
        if entries:
            self._set(entries[0][0])
        else:
            self.next_ns = NEVER

    def catch_up(self) -> None:
        """Do what is due, if anything is."""
        if self.clock() >= self.next_ns:
            self.due()

    def close(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.next_ns = NEVER
        self._alarm.close()

    def _set(self, at_ns: int) -> None:
        self.next_ns = at_ns
        self._alarm.set(at_ns)


def agenda() -> Agenda:
    """Return an agenda on the running loop."""
    loop = asyncio.get_running_loop()
    return Agenda(lambda call: alarm(loop, call))
