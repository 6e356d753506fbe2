"""How many tokens come per second at this moment, from every backend.

A stream's tokens are counted when it is over, and streams last for minutes. So whoever wants to see
them flow compares, look by look, how many pieces each running answer has brought; a piece counts as
many tokens as pieces of that backend held lately. Nothing is noted on the way of a piece: relays
count them anyway. While nobody looks, nothing happens here.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.telemetry.history import History

SPAN: Final = 3.0  # seconds over which the figure is a mean
LEAST: Final = 0.5  # seconds: who asks again sooner gets the same figure
STALE: Final = 10.0  # seconds after which a look says nothing of now


class Counted(Protocol):
    """The relay of a committed answer."""

    chunks: int


class Running(Protocol):
    """A call under way (`flow.attempts.Attempts`)."""

    @property
    def call(self) -> "Call":
        """Return its facts."""
        ...

    @property
    def relay(self) -> Counted | None:
        """Return what passes its answer on; None before the commit."""
        ...


class Pulse:
    """Compares two looks at the calls under way and at those that ended in between."""

    __slots__ = ("_at", "_history", "_last", "_looks", "_marks", "_running")

    def __init__(self, history: "History", running: Callable[[], Iterable[Running]]) -> None:
        self._history = history
        self._running = running
        self._at = 0.0
        self._last: Call | None = None  # the newest of the ended calls at the last look
        self._marks: dict[Call, int] = {}  # pieces of those that ran then
        self._looks: deque[tuple[float, float, dict[str, float]]] = deque()  # from, to, tokens

    def look(self, now: float, pieces: Mapping[str, float]) -> dict[str, float] | None:
        """Return tokens per second by backend; None at a first look, which has nothing to compare.

        `pieces` is how many tokens a piece of each backend holds; 1 if it is not there.
        """
        if self._at and now - self._at < LEAST:
            return self._rates()
        before, self._at = self._at, now
        moved = self._moved(pieces)
        if not before or now - before > STALE:
            self._looks.clear()
            return None
        self._looks.append((before, now, moved))
        while self._looks[0][1] <= now - SPAN:
            self._looks.popleft()
        return self._rates()

    def _moved(self, pieces: Mapping[str, float]) -> dict[str, float]:
        marks, self._marks = self._marks, {}
        moved: dict[str, float] = {}
        for one in self._running():
            relay, call = one.relay, one.call
            if relay is not None and call.backend is not None:
                name, chunks = call.backend.name, relay.chunks
                self._marks[call] = chunks
                new = (chunks - marks.get(call, 0)) * pieces.get(name, 1.0)
                moved[name] = moved.get(name, 0.0) + new
        newest = self._last
        for call in self._history.after(newest):
            if self._last is newest:
                self._last = call
            if call.backend is not None:
                name = call.backend.name
                moved[name] = moved.get(name, 0.0) + _ended(call, marks.get(call, 0), pieces)
        return moved

    def _rates(self) -> dict[str, float] | None:
        if not self._looks:
            return None
        seconds = self._looks[-1][1] - self._looks[0][0]
        rates: dict[str, float] = {}
        for _, _, moved in self._looks:
            for name, tokens in moved.items():
                rates[name] = rates.get(name, 0.0) + tokens / seconds
        return rates


def _ended(call: "Call", known: int, pieces: Mapping[str, float]) -> float:
    if not call.stream:
        return float(call.tokens_out or 0)
    if call.tokens_out and not known:
        return float(call.tokens_out)
    assert call.backend is not None
    return max(0, call.chunks - known) * pieces.get(call.backend.name, 1.0)
