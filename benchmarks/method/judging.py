"""When a block counts: limits to how much the instrument itself may have been disturbed.

A client or engine that waits for a CPU adds that wait to what it times. On a quiet machine with a
CPU for each, more than 1 % of the wall time is too much, and so are requests sent 1 ms late. Where
client and engines share a CPU they wait for each other in every block, on every arm alike, and
where others work on the machine all the time, that is what there is to measure with. So three times
what was usual of late is allowed in any case: what is rejected is the exception. How much the usual
noise hides, direct against itself says afterwards. The limits are the same for all arms of a round
and look at no result.
"""

from collections.abc import Sequence
from statistics import median

import msgspec

from benchmarks.method.blocks import Measured

WAITED, LAG_MS = 0.01, 1.0
USUAL = 3.0
"""How many times the usual is too much."""
LATEST_MS = 20.0
"""No machine is so noisy that requests later than this could stand for a load."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What disturbs: `waited` is a share of the wall time, `lag_ms` a p99 of late sends."""

    waited: float = WAITED
    lag_ms: float = LAG_MS

    def words(self) -> str:
        """Say them for the report."""
        return (
            f"in the last round a block counted if client and engines waited for a CPU at most "
            f"{self.waited:.1%} of the time and 99 of 100 requests were sent at most "
            f"{self.lag_ms:.1f} ms late"
        )


def limits(usual: Sequence[Measured]) -> Limits:
    """Return the limits for a round, by what the blocks before it showed."""
    if not usual:
        return Limits()
    return Limits(
        waited=max(WAITED, USUAL * median(one.waited() for one in usual)),
        lag_ms=min(LATEST_MS, max(LAG_MS, USUAL * median(one.lag_ms() for one in usual))),
    )


def disturbed(one: Measured, allowed: Limits) -> str:
    """Return why a block must not count; empty if it may."""
    if one.waited() > allowed.waited:
        return f"client or engines waited for a CPU {one.waited():.1%} of the time"
    if one.lag_ms() > allowed.lag_ms:
        return f"requests were sent up to {one.lag_ms():.1f} ms late"
    return ""
