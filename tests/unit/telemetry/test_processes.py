"""Several processes look like one: sums, that never fall."""

import os
import subprocess
import sys

import pytest

from proxy.telemetry.processes import Processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")


def values(processes: Processes) -> dict[str, float]:
    return {metric.name: metric.samples[0].value for metric in processes.collect()}


def test_memory_and_files_are_added_up_and_limits_are_not() -> None:
    alone, twice = values(Processes(list)), values(Processes(lambda: [os.getpid()]))

    assert twice["process_open_fds"] >= 2 * alone["process_open_fds"] - 4
    assert twice["process_resident_memory_bytes"] > 1.5 * alone["process_resident_memory_bytes"]
    assert twice["process_max_fds"] == alone["process_max_fds"]
    assert twice["process_start_time_seconds"] == alone["process_start_time_seconds"]


def test_the_time_of_who_is_gone_is_kept() -> None:
    text = "import sys\nfor _ in range(2_000_000): pass\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        processes = Processes(lambda: [child.pid])
        before = values(processes)["process_cpu_seconds"]
        assert before > values(Processes(list))["process_cpu_seconds"]
        child.kill()

    assert values(processes)["process_cpu_seconds"] >= before
