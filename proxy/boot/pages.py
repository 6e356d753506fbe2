"""What the admin pages see of a running proxy: every look is cheap, and changes nothing."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from proxy.core import admission
from proxy.core.backend import Backend
from proxy.core.catalog import Catalog
from proxy.settings.schema import Settings
from proxy.telemetry.access import AccessLog
from proxy.telemetry.crew import Crew
from proxy.telemetry.failures import Record
from proxy.telemetry.journal import Journal
from proxy.telemetry.lookout import Lookout
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.reloads import Reloads
from proxy.telemetry.sink import Sink
from proxy.telemetry.sources import SourceState

if TYPE_CHECKING:
    from proxy.boot.draining import Draining
    from proxy.boot.fleet import Fleet
    from proxy.boot.reload import Reloader
    from proxy.edge.server import Edge
    from proxy.flow.attempts import Attempts

CATCH_UP: Final = 1024  # ended calls told at once before somebody looks


class Pages:
    """The part of `instance.Instance` that is looked at. What it looks at is made there."""

    settings: Settings
    crew: Crew
    reloads: Reloads
    reloader: "Reloader"
    _access: AccessLog
    _draining: "Draining"
    _edge: "Edge"
    _fleet: "Fleet"
    _journal: Journal
    _lookout: Lookout
    _metrics: Metrics
    _queues: "admission.Queues[Attempts]"
    _sinks: tuple[Sink, ...]
    _worst_lag: float

    def backends(self) -> Sequence[Backend]:
        """Return the backends that requests may go to."""
        return self._fleet.backends()

    def leaving(self) -> Sequence[Backend]:
        """Return the backends that were removed while requests ran there."""
        return self._fleet.leaving

    @property
    def draining(self) -> bool:
        """Tell whether the drain has begun."""
        return self._draining.begun

    def config(self) -> Mapping[str, object]:
        """Return the settings in force and what became of reloads; docs describe the fields."""
        return self.reloader.config()

    @property
    def sources(self) -> Sequence[SourceState]:
        """Return what becomes of the sources of backends."""
        return self.reloader.sources.states()

    def catalog(self) -> Catalog:
        """Return the routing snapshot in force."""
        return self._fleet.directory.current

    def queues(self) -> Mapping[str, int]:
        """Return how many calls wait, by model."""
        return {name: queue.count for name, queue in self._queues.items() if queue.count}

    def client_connections(self) -> int:
        """Return the number of open client connections."""
        return len(self._edge.connections)

    def loop_lag(self) -> float:
        """Return the loop's worst lateness since the last look, in seconds."""
        worst, self._worst_lag = self._worst_lag, 0.0
        return max(0.0, worst)

    def dropped_lines(self) -> int:
        """Return how many log lines were given up."""
        return self._access.dropped + sum(sink.dropped for sink in self._sinks)

    def in_flight(self) -> int:
        """Return how many requests are under way."""
        return self._metrics.in_flight - len(self._journal)

    @property
    def metrics(self) -> Metrics:
        """Return what a scrape gets, brought up to date."""
        self._journal.tell(CATCH_UP)
        return self._metrics

    @property
    def lookout(self) -> Lookout:
        """Return what is kept for who watches, brought up to date."""
        self._journal.tell(CATCH_UP)
        return self._lookout

    def failures(self) -> Sequence[Record]:
        """Return the last failures."""
        return self.lookout.recent.records
