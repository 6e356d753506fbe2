"""What is noted of a sampled request on its way: its waits and its attempts.

Spans are made of it when the request is over. Times are those of its `Call`; 0.0 means "not yet".
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.core.backend import Backend
    from proxy.core.failure import Failure
    from proxy.core.recording import Spoken


class Leg:
    """One attempt at one backend. `span_id` is what the engine was told to be the parent.

    `failure` is None while it runs and when it served the request.
    """

    __slots__ = ("backend", "ended", "failure", "model", "sent", "span_id", "started")

    def __init__(self, span_id: int, backend: "Backend", model: str, started: float) -> None:
        self.span_id = span_id
        self.backend = backend
        self.model = model  # as the backend names it
        self.started = started
        self.sent = 0.0  # its bytes were on a connection
        self.ended = 0.0
        self.failure: Failure | None = None


class Trace:
    """The trace a request belongs to. `span_id` and `legs` are filled only if it is sampled.

    `parent_id` is the client's span, or 0; `draw` returns new span ids. `spoken` returns the words
    of a call whose words are noted; who has made spans of it lets go of them.
    """

    __slots__ = ("draw", "flags", "legs", "parent_id", "span_id", "spoken", "trace_id", "waits")

    def __init__(
        self,
        trace_id: int,
        *,
        flags: int,
        span_id: int,
        draw: Callable[[], int],
        parent_id: int = 0,
    ) -> None:
        self.trace_id = trace_id
        self.flags = flags
        self.span_id = span_id
        self.parent_id = parent_id
        self.legs: list[Leg] = []
        self.waits: list[tuple[float, float]] = []  # from, to
        self.draw = draw
        self.spoken: Callable[[], Spoken] | None = None

    @property
    def sampled(self) -> bool:
        """Tell whether spans are made of it."""
        return bool(self.flags & 1)

    def launch(self, backend: "Backend", model: str, now: float) -> Leg:
        """Note that an attempt begins."""
        leg = Leg(self.draw(), backend, model, now)
        self.legs.append(leg)
        return leg

    def land(self, failure: "Failure | None", sent: float, now: float) -> None:
        """Note that the present attempt has ended; nothing happens if none runs.

        `sent` is when a request of this call was last on a connection, perhaps before this attempt.
        """
        leg = self.legs[-1] if self.legs else None
        if leg is not None and not leg.ended:
            leg.ended = now
            leg.failure = failure
            if sent >= leg.started:
                leg.sent = sent
