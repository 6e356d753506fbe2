"""Bodies that are too much to be read in one go, read in steps while other calls go on.

One step a turn of the loop, however many such bodies there are: they wait for each other, nobody
waits for them longer than a step (`core/skim`). A call is not under way before its body is read; a
client that leaves earlier has its call ended here.

    state     event             what follows
    reading   a step            reading; at the end of the body: begun, or refused
              client gone       ended; the body is let go of
    begun     anything          is told to the call's attempts
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from proxy.core.skim import Skim

if TYPE_CHECKING:
    from proxy.core.call import Call


class Driver(Protocol):
    """Who drives a call, as the client's connection sees it."""

    call: "Call"

    def client_gone(self) -> None:
        """Stop everything."""

    def client_paused(self) -> None:
        """Send nothing more for now: the client does not read."""

    def client_resumed(self) -> None:
        """Send on."""


Begin = Callable[[], "Driver | None"]
Abandon = Callable[[], None]


class Skimming:
    """One call whose body is being read. Fulfils `Driver`."""

    __slots__ = ("_abandon", "_attempts", "_begin", "_paused", "call", "skim")

    def __init__(self, call: "Call", skim: Skim, begin: Begin, abandon: Abandon) -> None:
        self.call = call
        self.skim: Skim | None = skim
        self._begin = begin
        self._abandon = abandon
        self._attempts: Driver | None = None
        self._paused = False

    def proceed(self) -> bool:
        """Read on; tell whether there is nothing more to read."""
        if self.skim is None:
            return True
        if not self.skim.step():
            return False
        self.skim = None
        attempts = self._begin()
        if attempts is not None and not self.call.end:
            self._attempts = attempts
            if self._paused:
                attempts.client_paused()
        return True

    def client_gone(self) -> None:
        """End the call."""
        if self._attempts is not None:
            self._attempts.client_gone()
        elif not self.call.end:
            self.skim = None
            self._abandon()

    def client_paused(self) -> None:
        """Note that the client does not read the answer before this one."""
        self._paused = True
        if self._attempts is not None:
            self._attempts.client_paused()

    def client_resumed(self) -> None:
        """Note that it reads again."""
        self._paused = False
        if self._attempts is not None:
            self._attempts.client_resumed()


class Skims:
    """All bodies of a course that are being read. `later` calls back after so many seconds."""

    __slots__ = ("_later", "_waiting")

    def __init__(self, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._later = later
        self._waiting: deque[Skimming] = deque()

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._waiting)

    def add(self, call: "Call", skim: Skim, begin: Begin, abandon: Abandon) -> Skimming:
        """Read a body in steps, then `begin`; `abandon` ends a call whose client leaves before."""
        skimming = Skimming(call, skim, begin, abandon)
        self._waiting.append(skimming)
        if len(self._waiting) == 1:
            self._later(0.0, self._turn)
        return skimming

    def _turn(self) -> None:
        first, over = self._waiting[0], True
        try:
            over = first.proceed()
        finally:  # a body that fails must not stop those behind it
            self._waiting.popleft()
            if not over:
                self._waiting.append(first)  # in turn: a small one does not wait for a large one
            if self._waiting:
                self._later(0.0, self._turn)
