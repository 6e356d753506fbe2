"""Backends as the control process has them: it checks them, and workers use them."""

from collections.abc import Callable

from typing_extensions import override

from proxy.boot.board import SLOTS, Board
from proxy.boot.fleet import Fleet
from proxy.boot.frames import Known
from proxy.core.backend import Backend
from proxy.core.catalog import Model
from proxy.core.joint import JointBreaker
from proxy.settings.schema import BackendSettings, Settings


class WatchedBackend(Backend):
    """A backend that others use: its load stands on the board, and its changes are told."""

    __slots__ = ("board", "changed", "slot")

    board: Board
    slot: int
    changed: Callable[[Backend], None]

    @property  # type: ignore[explicit-override]
    def in_flight(self) -> int:
        """Return the requests all workers have there."""
        return self.board.requests_at(self.slot)

    @in_flight.setter
    def in_flight(self, count: int) -> None:
        """Ignore it: nothing is sent from here."""

    @property  # type: ignore[explicit-override]
    def work(self) -> float:
        """Return their work."""
        return self.board.work_at(self.slot)

    @work.setter
    def work(self, work: float) -> None:
        """Ignore it."""

    @override
    def _health_changed(self) -> None:
        super()._health_changed()
        self.changed(self)

    def known(self, models: tuple[Model, ...]) -> Known:
        """Return what workers have to know."""
        health = self.health
        return Known(
            slot=self.slot,
            name=self.name,
            url=self.url,
            kind=self.kind,
            state=health.state,
            since=health.since,
            reason=health.reason,
            recovered_at=health.recovered_at,
            next_probe_at=0.0 if health.ready else health.next_probe_at,
            trusted_at=self.breaker.recovered_at,
            learned_cap=self.learned_cap,
            reported=self.reported,
            foreign=self._foreign,
            models=models,
        )


class WatchedFleet(Fleet):
    """Backends that workers use. Each has a slot on the board as long as it is here."""

    backend_type = WatchedBackend
    breaker_type = JointBreaker

    __slots__ = ("_board", "_changed", "_free", "slots")

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], float],
        random: Callable[[], float],
        board: Board,
        changed: Callable[[Backend], None],
    ) -> None:
        self._board = board
        self._changed = changed
        self._free = list(range(SLOTS - 1, -1, -1))
        self.slots: dict[int, WatchedBackend] = {}
        super().__init__(settings, now=now, random=random)

    @override
    def part(self) -> None:
        """Forget those that leave, and take their slots back."""
        super().part()
        for slot, backend in list(self.slots.items()):
            if backend not in self.sides:
                del self.slots[slot]
                self._free.insert(0, slot)  # used again last: a worker may be late to let go

    def knowledge(self) -> list[Known]:
        """Return what is known of the backends in use."""
        used = self.backends()
        return [one.known(tuple(self.found(one))) for one in self.slots.values() if one in used]

    @override
    def _make(self, one: BackendSettings, settings: Settings) -> Backend:
        backend = super()._make(one, settings)
        assert isinstance(backend, WatchedBackend)
        backend.slot = self._free.pop()
        backend.board = self._board
        backend.changed = self._changed
        self.slots[backend.slot] = backend
        return backend
