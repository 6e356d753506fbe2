"""A load process goes before all others for the time of an open loop, where the system lets it.

A timer is on time, and then its process waits for a core: on two cores that a proxy and its engines
keep busy, 3 to 5 ms at the 99th percentile, until the scheduler's slice of whoever runs is over. A
real-time policy takes the core at once (below 0.3 ms there, Linux 6.18). It needs root,
CAP_SYS_NICE or a limit on real-time priority (`ulimit -r`); without, the load runs as before.

What the client would have done later it does now: the work is the same, its instants are right. A
closed loop has no instants to keep, and no process does this unless a core is left for the others.
Nor where arms are compared: taking the core from a proxy in its work would be in the difference.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_LOWEST = 1  # real-time priority; anything real-time goes before everything that is not


@contextmanager
def precedence(*, wanted: bool) -> Iterator[bool]:
    """Go first inside the context if that is `wanted` and allowed; yields whether it is so."""
    if not (wanted and _change(os.SCHED_FIFO, _LOWEST)):
        yield False
        return
    try:
        yield True
    finally:
        _change(os.SCHED_OTHER, 0)


def spare(processes: int = 1) -> bool:
    """Tell whether a core is left beside so many processes; False where nobody can go first."""
    return hasattr(os, "SCHED_FIFO") and (os.cpu_count() or 1) > processes


def _change(policy: int, priority: int) -> bool:
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except OSError:  # not permitted, or a kernel without
        return False
    return True
