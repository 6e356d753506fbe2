"""What one backend was last seen to serve, and when to look again.

Theory. A listing is news only if it differs from the one before. A good one is believed at once. An
empty or unreadable one would take every model of a backend away and turn requests into 404s, and it
is often a hiccup (an engine that reloads, a gateway in front of it); so the second in a row is
believed, and the second look comes soon. A request that fails, or a 5xx, says nothing about the
models: readiness judges that.

    reading    nothing known   models known
    models     take            take if they differ
    empty      stay            first: keep, look soon; second: take
    broken     stay            first: keep, look soon; second: take
    no answer  stay            keep
"""

from collections.abc import Callable

from proxy.core.catalog import Model
from proxy.dialects.base import Listing

INTERVAL = 10.0  # seconds between two looks at a list
GAP = 1.5  # seconds that always lie between two looks
JITTER = 0.2  # share by which the interval is spread to both sides
CONFIRMATIONS = 2  # empty or broken lists in a row that are believed


class Shelf:
    """The models of one backend. `random` returns a number in [0, 1); times are monotonic.

    `problem` says what was wrong with the last list, "" if nothing was.
    """

    __slots__ = ("_bad", "_looked_at", "_next_at", "_random", "models", "problem")

    def __init__(self, random: Callable[[], float]) -> None:
        self.models: tuple[Model, ...] = ()
        self.problem = ""
        self._random = random
        self._bad = 0
        self._looked_at = float("-inf")
        self._next_at = float("-inf")

    @property
    def next_at(self) -> float:
        """Return when the next look is due; it may lie in the past."""
        return max(self._next_at, self._looked_at + GAP)

    def hurry(self) -> None:
        """Look again as soon as the gap allows: the engine may have been replaced or restarted."""
        self._next_at = float("-inf")

    def took(self, listing: Listing, now: float) -> bool:
        """Take in a list; tell whether `models` changed."""
        self._plan(now)
        self.problem = listing.problem or ("" if listing.models else "it lists no models")
        if listing.models:
            self._bad = 0
        else:
            self._bad += 1
            if self._bad < CONFIRMATIONS:
                self.hurry()
                return False
        changed = listing.models != self.models
        self.models = listing.models
        return changed

    def unanswered(self, reason: str, now: float) -> None:
        """Note that no list came; nothing is concluded from it."""
        self._plan(now)
        self.problem = reason

    def _plan(self, now: float) -> None:
        self._looked_at = now
        self._next_at = now + INTERVAL * (1.0 + JITTER * (2.0 * self._random() - 1.0))
