"""What is kept for who watches the fleet: failures, ended calls, changes of backends, the flow."""

from collections.abc import Callable, Iterable

from proxy.telemetry.chronicle import Chronicle
from proxy.telemetry.failures import Recent
from proxy.telemetry.history import History
from proxy.telemetry.journal import Reader
from proxy.telemetry.pulse import Pulse, Running


class Lookout:
    """One of each. `now` is the clock of the calls, `running` returns those under way."""

    __slots__ = ("chronicle", "history", "pulse", "readers", "recent")

    def __init__(self, now: Callable[[], float], running: Callable[[], Iterable[Running]]) -> None:
        self.recent = Recent(now)
        self.history = History(now)
        self.readers: tuple[Reader, ...] = (self.recent, self.history)  # are to hear of calls
        self.chronicle = Chronicle()
        self.pulse = Pulse(self.history, running)
