"""When a block counts: limits to how much the instrument itself may have been disturbed.

A client or engine that waits for a CPU adds that wait to what it times. On a quiet machine with a
CPU for each, more than 1 % of the wall time is too much, and so is a request sent 2 ms late (a p99
of a short block is nearly its worst; one wake-up of 1 ms moves no median). Where client and engines
share a CPU they wait for each other in every block, more on arms that spread the tokens of a burst,
and where others work on the machine all the time, that is what there is to measure with. So three
times what was usual of late, on all arms or on this one, is allowed in any case: what is rejected
is the exception. How much the usual noise hides, direct against itself says afterwards. No result
is looked at.
"""

from collections.abc import Sequence
from statistics import median

import msgspec

from benchmarks.method.blocks import Measured

WAITED, LAG_MS = 0.01, 2.0
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
            f"in the last round, blocks counted in which client and engines waited for a CPU at "
            f"most {self.waited:.1%} of the time and 99 of 100 requests were sent at most "
            f"{self.lag_ms:.1f} ms late"
        )


def wider(one: Limits, other: Limits) -> Limits:
    """Return the larger of each limit."""
    return Limits(waited=max(one.waited, other.waited), lag_ms=max(one.lag_ms, other.lag_ms))


def limits(usual: Sequence[Measured]) -> Limits:
    """Return the limits for a block, by what the blocks before it showed."""
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
