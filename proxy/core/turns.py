"""Whose turn it is among tenants that wait: who has many in the queue stands further back.

Theory. First come, first served gives whoever asks ten times as much ten times as much. For an even
share a tenant with k requests in front of its own must wait until those are served at its share of
the rate at which the queue drains: k * n / rate, n tenants being about. So many seconds are added
to the arrival of its ticket, and the queue stays what it is: one number per ticket that never
changes. A tenant that is alone is added nothing, nor is anybody while the rate is unknown.

What a rate that was wrong, or has changed, can do is bounded: nobody is put back by more than
FURTHEST, and never before an earlier ticket of its own.
"""

from typing import Final

FURTHEST: Final = 10.0  # seconds, as much as a class of priority is worth
LATELY: Final = 10.0  # seconds: who has not waited for so long is not about


class _Tenant:
    """One of those who wait, or did so lately."""

    __slots__ = ("latest", "seen", "waiting")

    def __init__(self, now: float) -> None:
        self.waiting = 0
        self.latest = now  # where its last ticket stands
        self.seen = now


class Turns:
    """The tenants of one queue. Times are seconds of the loop's clock."""

    __slots__ = ("_looked", "_tenants")

    def __init__(self) -> None:
        self._tenants: dict[str, _Tenant] = {}
        self._looked = 0.0

    def arrive(self, whose: str, now: float, rate: float) -> float:
        """Take note of one more that waits; return the time at which it counts as having come.

        `rate` is how many leave the queue in a second, 0 if nobody knows.
        """
        if now - self._looked >= LATELY:
            self._forget(now)
        tenants = self._tenants
        tenant = tenants.get(whose)
        if tenant is None:
            tenant = tenants[whose] = _Tenant(now)
        at = now
        if tenant.waiting:
            if rate > 0.0 and len(tenants) > 1:
                at += min(FURTHEST, tenant.waiting * len(tenants) / rate)
            at = max(at, tenant.latest)
        tenant.waiting += 1
        tenant.latest, tenant.seen = at, now
        return at

    def leave(self, whose: str) -> None:
        """Hear that one waits no more."""
        self._tenants[whose].waiting -= 1

    @property
    def waiting(self) -> int:
        """Return how many tenants wait."""
        return sum(tenant.waiting > 0 for tenant in self._tenants.values())

    def _forget(self, now: float) -> None:
        """Drop who has not been here lately."""
        self._looked = now
        self._tenants = {
            name: tenant
            for name, tenant in self._tenants.items()
            if tenant.waiting or now - tenant.seen < LATELY
        }
