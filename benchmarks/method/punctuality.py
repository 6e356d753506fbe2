"""How punctual the load client could be: with which priority it ran, and what it had to wait for.

A request that leaves late has three possible reasons: the client was busy, it waited for a core
that another process had, or the hypervisor had given the core to another guest. A real-time
priority takes the second away and nothing else. So a reader needs all three beside the send lag.
"""

import os

from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule

_SECOND = 1e9
_MUCH = 0.02
"""Of all CPUs: what a hypervisor takes beyond this shows in the slowest hundredth of the sends."""


def facts(trial: Trial, schedule: Schedule, stolen_s: float) -> dict[str, str]:
    """Return the facts, with what the hypervisor took meanwhile in seconds of one CPU."""
    return {
        "client priority": _priority(trial, schedule),
        "client waited for a CPU": f"{trial.client.waited_ns / _SECOND:.2f} s",
        "stolen by the hypervisor": f"{stolen_s:.1f} s",
    }


def note(trial: Trial, schedule: Schedule, stolen_s: float, *, cores: int | None = None) -> str:
    """Return the same as a line under the tables; empty for a closed loop, which keeps no times."""
    if schedule.concurrency is not None:
        return ""
    said = (
        f"client priority: {_priority(trial, schedule)};"
        f" it waited {trial.client.waited_ns / _SECOND:.2f} s for a CPU"
    )
    share = stolen_s / max(1e-9, trial.wall_ns / _SECOND * (cores or os.cpu_count() or 1))
    if share > _MUCH:
        said += (
            f"; the hypervisor took {share:.0%} of the machine, which delays sends at any priority"
        )
    return said


def _priority(trial: Trial, schedule: Schedule) -> str:
    if trial.first:
        return "real-time"
    return "ordinary" + (" (a closed loop)" if schedule.concurrency is not None else "")
