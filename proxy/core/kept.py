"""Places at engines that are kept a moment for the tenant that is about to use them again.

Theory. A tenant that asks again as soon as it is answered leaves its places for the millisecond its
next request takes to come. If another tenant waits, it has them by then, and the first waits for a
whole answer of the other: even turns (`core/turns`) cannot help, they only order who waits. So a
place stays free for a while for who has been using it, as a disk scheduler that anticipates leaves
the disk idle for the reader that is about to come back (Iyer and Druschel, SOSP 2001).

How many: the mean of the requests a tenant has had here, waiting or running, over the last `keep`
seconds or so, or since it came (an exponential mean, corrected for its beginning), rounded, but
never more than an even share of the places; less what runs now. Nobody else takes those, except up
to an even share of its own. So a tenant that asks without pause gets its share and no other waits
for it, and one that is gone is forgotten within seconds. What that leaves empty is bounded: the
mean is linear, so over any time it exceeds what the tenant had here by `keep` seconds of it at
most.

All of this is of one model, and only while requests for it wait, or have waited lately: a proxy
with room for everybody counts nothing.
"""

import math
from typing import Final

LATELY: Final = 10.0  # seconds: how long after the last wait tenants are counted
MOST: Final = 64  # tenants; among more, the few places of one are not felt
_FELT: Final = 0.5  # requests, on average: who had less is not about
_GONE: Final = 0.05  # who had less begins anew: it takes three times `keep` from one request on


class _Tenant:
    """The requests of one tenant: those here, those of them that run, and how many it had lately.

    `keep` is what its mean goes by.
    """

    __slots__ = ("_mean", "_seen", "_since", "here", "keep", "running")

    def __init__(self, keep: float, now: float) -> None:
        self.here = 0
        self.running = 0
        self.keep = keep
        self._mean = 0.0
        self._since = self._seen = now

    def come(self, now: float) -> None:
        """Count one more that is here."""
        if self.lately(now) < _GONE and not self.here:
            self._mean, self._since = 0.0, now
        self.here += 1

    def lately(self, now: float) -> float:
        """Return the mean of `here`, and let it go on from now."""
        elapsed = now - self._seen
        if elapsed > 0.0:
            self._mean += (self.here - self._mean) * -math.expm1(-elapsed / self.keep)
            self._seen = now
        since = now - self._since
        return self._mean / -math.expm1(-since / self.keep) if since > 0.0 else float(self.here)


class Visit:
    """One request that is counted, from when it waits or runs until it ends."""

    __slots__ = ("_tenant", "placed")

    def __init__(self, tenant: _Tenant, now: float) -> None:
        tenant.come(now)
        self._tenant = tenant
        self.placed = False  # it runs, or did

    def place(self) -> None:
        """Count it as one that runs; once is enough."""
        if not self.placed:
            self.placed = True
            self._tenant.running += 1

    def end(self, now: float) -> None:
        """Count it no more. To be called once."""
        tenant = self._tenant
        tenant.lately(now)
        tenant.here -= 1
        tenant.running -= self.placed


class Kept:
    """The tenants of one model. `keep` and times are seconds; a `keep` of 0 keeps nothing."""

    __slots__ = ("_keep", "_tenants", "_waited")

    def __init__(self, keep: float) -> None:
        self._keep = keep
        self._tenants: dict[str, _Tenant] = {}
        self._waited = -math.inf

    def bound(self, keep: float) -> None:
        """Keep places for another while from now on."""
        self._keep = keep
        for tenant in self._tenants.values():
            tenant.keep = keep or tenant.keep

    def wait(self, now: float) -> None:
        """Hear that somebody waits for a place."""
        self._waited = now

    def visit(self, whose: str, now: float) -> Visit | None:
        """Count a request; the result is to hear when it runs and when it ends.

        None if nothing is counted: nobody has waited lately, or there are too many tenants.
        """
        if not self._keep or now - self._waited >= LATELY:
            return None
        tenant = self._tenants.get(whose)
        if tenant is None:
            if len(self._tenants) >= MOST and not self._forgot(now):
                return None
            tenant = self._tenants[whose] = _Tenant(self._keep, now)
        return Visit(tenant, now)

    def withheld(self, whose: str, free: float, now: float) -> bool:
        """Tell whether the `free` places are kept from `whose`, for others."""
        if not self._keep:
            return False
        mine, places = 0, free
        others: list[tuple[float, int]] = []
        for name, tenant in self._tenants.items():
            places += tenant.running
            if name == whose:
                mine = tenant.running
            elif (lately := tenant.lately(now)) >= _FELT or tenant.here:
                others.append((lately, tenant.running))
        share = places / (len(others) + 1)
        if mine + 1 <= share:
            return False
        most = int(share)
        return free <= sum(max(0, min(round(lately), most) - has) for lately, has in others)

    def __len__(self) -> int:
        return len(self._tenants)

    def _forgot(self, now: float) -> bool:
        """Drop who has not been here lately; tell whether anybody was dropped."""
        before = len(self._tenants)
        self._tenants = {
            name: tenant
            for name, tenant in self._tenants.items()
            if tenant.here or tenant.lately(now) >= _FELT
        }
        return len(self._tenants) < before
