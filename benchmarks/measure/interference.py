"""How much others disturbed a measurement: waits for a CPU, foreign load, time stolen by the host.

`/proc/PID/task/*/schedstat` says how long a process was ready and had no CPU. `/proc/stat` says how
long all CPUs were busy; what our own processes did not use of that, others did. `/proc/pressure`
says for how long anybody waited. The last two count in steps of 10 ms or so: read them over a
second or more.
"""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.measure.host import PROC, Cpu, cpu

CLIENT = "client"
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The counters at one moment. `roles`: CPU of each part of the experiment, by its name."""

    at_ns: int
    roles: dict[str, Cpu]
    busy_ns: int = 0
    """All CPUs together, idle and waiting for disks left out."""
    stolen_ns: int = 0
    pressure_us: int | None = None
    """Time in which at least one process waited for a CPU; None: this kernel does not say."""


class Interference(msgspec.Struct, frozen=True, kw_only=True):
    """What happened between two readings, as shares of the wall time between them."""

    waited: dict[str, float]
    """By role: ready to run and without a CPU. All processes of a role together."""
    foreign: float
    """CPUs used by others: 0.5 is half a CPU."""
    stolen: float
    """CPUs the hypervisor gave to other guests."""
    pressure: float | None


def parse_stat(text: str) -> tuple[int, int]:
    """Return busy and stolen ns out of the first line of `/proc/stat`."""
    user, nice, system, _idle, _iowait, irq, soft, steal = (
        int(word) for word in text.splitlines()[0].split()[1:9]
    )
    return (user + nice + system + irq + soft) * TICK_NS, steal * TICK_NS


def parse_pressure(text: str) -> int:
    """Return the total of the `some` line of a pressure file, in us."""
    return int(text.splitlines()[0].rpartition("total=")[2])


def read(roles: Mapping[str, Sequence[int]], *, proc: Path = PROC) -> Reading:
    """Read all counters; `roles` names the processes (roots of trees) of each part.

    This very process, without its children, is counted as the role `CLIENT`.
    """
    busy, stolen = parse_stat((proc / "stat").read_text())
    try:
        pressure = parse_pressure((proc / "pressure" / "cpu").read_text())
    except OSError:
        pressure = None
    return Reading(
        at_ns=time.monotonic_ns(),
        roles={role: cpu(pids, proc=proc) for role, pids in roles.items()}
        | {CLIENT: cpu([os.getpid()], descend=False, proc=proc)},
        busy_ns=busy,
        stolen_ns=stolen,
        pressure_us=pressure,
    )


def between(earlier: Reading, later: Reading) -> Interference:
    """Return what disturbed the time between two readings of the same roles."""
    wall = max(1, later.at_ns - earlier.at_ns)
    used = {role: later.roles[role].since(was) for role, was in earlier.roles.items()}
    ours = sum(one.ran_ns for one in used.values())
    pressure = None
    if earlier.pressure_us is not None and later.pressure_us is not None:
        pressure = (later.pressure_us - earlier.pressure_us) * 1000 / wall
    return Interference(
        waited={role: one.waited_ns / wall for role, one in used.items()},
        foreign=max(0.0, (later.busy_ns - earlier.busy_ns - ours) / wall),
        stolen=(later.stolen_ns - earlier.stolen_ns) / wall,
        pressure=pressure,
    )
