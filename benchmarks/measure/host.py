"""What the kernel knows about a process and this machine: CPU time, memory, who waited for whom.

CPU comes from `/proc/PID/task/*/schedstat` (nanoseconds); `/proc/PID/stat` counts in steps of 10
ms, which is 600 requests of a fast proxy. The kernel brings the figure up to date when a thread
leaves the CPU, so read it while the process is asleep. A thread that has ended takes its time with
it: proxies under test keep theirs.
"""

import os
import platform
from collections.abc import Iterable
from pathlib import Path

import msgspec

PROC = Path("/proc")
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


class Cpu(msgspec.Struct, frozen=True, kw_only=True):
    """Nanoseconds on a CPU, and nanoseconds spent runnable but waiting for one."""

    ran_ns: int = 0
    waited_ns: int = 0

    def since(self, earlier: "Cpu") -> "Cpu":
        """Return what was added after `earlier`."""
        return Cpu(
            ran_ns=self.ran_ns - earlier.ran_ns, waited_ns=self.waited_ns - earlier.waited_ns
        )


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Resident memory in KiB; `shared_out` counts shared pages by the share of each user (PSS)."""

    rss_kib: int = 0
    shared_out_kib: int = 0


def tree(pid: int, *, proc: Path = PROC) -> list[int]:
    """Return `pid` and all its descendants; a process that is gone counts as having none."""
    found = [pid]
    for parent in found:
        for children in (proc / str(parent) / "task").glob("*/children"):
            try:
                found.extend(int(child) for child in children.read_text().split())
            except OSError:
                continue
    return found


def parse_schedstat(text: str) -> Cpu:
    """Read one schedstat line: time on the CPU, time in the run queue, number of turns."""
    ran, waited, _ = text.split()
    return Cpu(ran_ns=int(ran), waited_ns=int(waited))


def cpu(pids: Iterable[int], *, descend: bool = True, proc: Path = PROC) -> Cpu:
    """Return the CPU time of all threads of `pids` and, if wanted, their descendants."""
    ran = waited = 0
    for root in pids:
        for pid in tree(root, proc=proc) if descend else [root]:
            for file in (proc / str(pid) / "task").glob("*/schedstat"):
                try:
                    thread = parse_schedstat(file.read_text())
                except OSError:
                    continue
                ran += thread.ran_ns
                waited += thread.waited_ns
    return Cpu(ran_ns=ran, waited_ns=waited)


def parse_rollup(text: str) -> Memory:
    """Read `smaps_rollup`."""
    fields = {line.split(":")[0]: line.split()[1] for line in text.splitlines()[1:] if ":" in line}
    return Memory(rss_kib=int(fields["Rss"]), shared_out_kib=int(fields["Pss"]))


def memory(pids: Iterable[int], *, proc: Path = PROC) -> Memory:
    """Return the memory of `pids` and their descendants, added up.

    Where `smaps_rollup` may not be read, `statm` gives the RSS and both figures are the same.
    """
    rss = shared_out = 0
    for root in pids:
        for pid in tree(root, proc=proc):
            try:
                one = parse_rollup((proc / str(pid) / "smaps_rollup").read_text())
            except PermissionError:
                pages = int((proc / str(pid) / "statm").read_text().split()[1])
                one = Memory(rss_kib=pages * PAGE_KIB, shared_out_kib=pages * PAGE_KIB)
            except (FileNotFoundError, ProcessLookupError):
                continue
            rss += one.rss_kib
            shared_out += one.shared_out_kib
    return Memory(rss_kib=rss, shared_out_kib=shared_out)


def descriptors(pids: Iterable[int], *, proc: Path = PROC) -> int | None:
    """Return how many files and sockets `pids` and their descendants hold open.

    None where one of them may not be looked into.
    """
    total = 0
    for root in pids:
        for pid in tree(root, proc=proc):
            try:
                total += sum(1 for _ in (proc / str(pid) / "fd").iterdir())
            except PermissionError:
                return None
            except (FileNotFoundError, ProcessLookupError):
                continue
    return total


def supported(*, proc: Path = PROC) -> bool:
    """Tell whether this kernel publishes per-thread CPU time."""
    return (proc / "self" / "schedstat").exists()


def stolen(*, proc: Path = PROC) -> float:
    """Return the seconds since boot, all CPUs together, that the hypervisor gave to other guests.

    The kernel charges most of such time to whoever was running: figures of a guest include it.
    """
    total = (proc / "stat").read_text().splitlines()[0].split()
    return int(total[8]) / os.sysconf("SC_CLK_TCK")


def facts(*, proc: Path = PROC) -> dict[str, str]:
    """Return the machine facts that belong beside every figure."""
    model = "unknown"
    for line in (proc / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": "{:.2f} {:.2f} {:.2f}".format(*os.getloadavg()),
    }
