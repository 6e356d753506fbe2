"""A backend that several processes of this proxy use at once.

Theory. Selection, caps and queues must see what all of them have under way, not one alone. So each
process writes what it has at a backend to a place of its own on a board, after every change, and
reads the places of the others when it picks. One writer a place: no lock, nothing to wait for, and
what a dead process had is cleared by wiping its places. Two processes may pick in the same
microsecond without seeing each other: then a cap is overrun by one, for as long as that call runs.

So `in_flight` and `work` are those of all: the own as of now, the others' as of the last look, and
selection, caps and breakers need not know. As all of that changes without notice, such a backend is
never `settled`.

Readiness is found out by one process for all: a `ToldHealth` is told.
"""

from typing import Protocol, Self

from typing_extensions import override

from proxy.core.backend import Backend, Lease
from proxy.core.health import USABLE, Health, State
from proxy.core.reported import Reported


class Board(Protocol):
    """What the processes have under way, by slot: the number of a backend."""

    def put(self, slot: int, count: int, work: float) -> None:
        """Write what this process has: requests, and their work in estimated tokens."""

    def others(self, slot: int) -> tuple[int, float]:
        """Return what the other processes have together."""

    def freed(self) -> None:
        """Hear that a request of this process has ended: somebody may wait for its place."""


class SharedLease(Lease):
    """A place at a backend that the other processes see."""

    __slots__ = ()

    @override
    def first_token(self) -> None:
        """Give back the prompt's share."""
        super().first_token()
        _shared(self.backend).publish()

    @override
    def release(self) -> None:
        """Give back the place."""
        if self._open:
            super().release()
            backend = _shared(self.backend)
            backend.publish()
            backend.board.freed()


class SharedBackend(Backend):
    """A backend in one of several processes. `share` must follow before it is used."""

    __slots__ = ("_my_requests", "_my_work", "_their_requests", "_their_work", "board", "slot")

    lease_type = SharedLease
    board: Board
    slot: int

    def __new__(cls, *_args: object, **_more: object) -> Self:
        """Make it with nothing under way anywhere."""
        made = super().__new__(cls)
        made._their_requests, made._their_work = 0, 0.0
        return made

    @property  # type: ignore[explicit-override]
    def in_flight(self) -> int:
        """The requests of all processes."""
        return self._my_requests + self._their_requests

    @in_flight.setter
    def in_flight(self, count: int) -> None:
        self._my_requests = count - self._their_requests

    @property  # type: ignore[explicit-override]
    def work(self) -> float:
        """Their work."""
        return self._my_work + self._their_work

    @work.setter
    def work(self, work: float) -> None:
        self._my_work = work - self._their_work

    def share(self, board: Board, slot: int) -> None:
        """Write to `board`, under `slot`, from now on."""
        self.board = board
        self.slot = slot
        self.settled = False

    def publish(self) -> None:
        """Write what this process has."""
        if not self._my_requests:
            self._my_work = 0.0  # exactly: rounding errors do not pile up
        self.board.put(self.slot, self._my_requests, self._my_work)

    def look(self) -> None:
        """Read what the others have."""
        self._their_requests, self._their_work = self.board.others(self.slot)

    @override
    def lease(self, prompt_work: float, output_work: float, now: float) -> Lease:
        """Take a place."""
        lease = super().lease(prompt_work, output_work, now)
        self.publish()
        return lease

    @override
    def available(self, now: float) -> bool:
        """Tell whether a request may go there, room aside; looks at the board."""
        usable = super().available(now)
        self.settled = False
        return usable

    def told_load(self, said: Reported | None, foreign: int) -> None:
        """Take over what another process made of the engine's own figures."""
        self.reported = said
        self._foreign = foreign

    @override
    def _weigh(self, now: float) -> None:
        self.look()
        super()._weigh(now)


class ToldHealth(Health):
    """The readiness of a backend as another process has found it."""

    __slots__ = ()

    def told(self, state: State, since: float, reason: str) -> None:
        """Take a finding over. What it has of other times must be set before."""
        before, self.state = self.state, state
        self.since = since
        self.reason = reason
        self.ready = state in USABLE
        if state is not before:
            self.on_change()


def _shared(backend: Backend) -> SharedBackend:
    assert isinstance(backend, SharedBackend)
    return backend
