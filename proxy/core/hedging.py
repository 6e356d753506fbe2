"""When a second engine is asked for the same answer, because the first is slow to begin.

Theory. The slowest requests are mostly slow by chance: stuck behind a long prompt, or a hiccup. One
more try elsewhere, after nearly all others would have begun, cuts that tail at the price of a few
per cent more work (Dean and Barroso, "The Tail at Scale", 2013). Two things keep it from doing
harm. It comes late: by default after the 95th percentile of the last first tokens, so one call in
twenty is a candidate. And it is paid for in advance: each call adds its part to an allowance and a
hedge takes one from it, so that when everything is slow, hedges stay within that share of the
calls; what was saved up on a quiet day is bounded, too.
"""

from collections import deque
from typing import Final

import msgspec

LEARNED: Final = 0.0  # a delay of so many seconds: the percentile of what is seen
_LAST: Final = 256  # first tokens that are kept
_ENOUGH: Final = 20  # below, a 95th percentile is a guess
_ANEW: Final = 16  # first tokens after which the percentile is worked out again
_BURST: Final = 10.0  # hedges that can be saved up


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How hedging is done for a model: seconds until it is, and the share of calls it may be."""

    delay: float = LEARNED
    budget: float = 0.05


class Allowance:
    """How many hedges may be made."""

    __slots__ = ("_saved",)

    def __init__(self) -> None:
        self._saved = 0.0

    def called(self, budget: float) -> None:
        """Take note of a call that might be hedged."""
        self._saved = min(self._saved + budget, _BURST)

    def take(self) -> bool:
        """Tell whether a hedge may be made, and count it."""
        # Twenty times 0.05 is a little less than one.
        if self._saved < 1.0 - 1e-9:
            return False
        self._saved = max(0.0, self._saved - 1.0)
        return True


class Beginnings:
    """How long calls have waited for their first token."""

    __slots__ = ("_late", "_new", "_seconds")

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_LAST)
        self._new = 0
        self._late: float | None = None

    def learn(self, seconds: float) -> None:
        """Take in one; of a call that was hedged, what it had waited when the other one began."""
        self._seconds.append(seconds)
        self._new += 1
        if self._new >= _ANEW or self._late is None:
            self._new = 0
            self._late = self._percentile()

    def delay(self, policy: Policy) -> float | None:
        """Return the seconds after which to hedge; None while nobody knows."""
        return self._late if policy.delay == LEARNED else policy.delay

    def _percentile(self) -> float | None:
        if len(self._seconds) < _ENOUGH:
            return None
        return sorted(self._seconds)[int(len(self._seconds) * 0.95)]
