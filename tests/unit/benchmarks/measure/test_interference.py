"""What others did meanwhile, from counters made for the test."""

import os
from pathlib import Path

import pytest

from benchmarks.measure.host import Cpu
from benchmarks.measure.interference import (
    CLIENT,
    Reading,
    between,
    parse_pressure,
    parse_stat,
    read,
)

SECOND = 1_000_000_000
STAT = "cpu  100 10 20 5000 7 3 4 6 0 0\ncpu0 1 2 3\n"
PRESSURE = "some avg10=0.45 avg60=0.52 avg300=0.85 total=2568\nfull avg10=0 total=1\n"


def test_busy_time_leaves_idle_and_disk_waits_out() -> None:
    tick = SECOND // os.sysconf("SC_CLK_TCK")

    assert parse_stat(STAT) == (137 * tick, 6 * tick)


def test_pressure_is_the_total_of_those_who_waited() -> None:
    assert parse_pressure(PRESSURE) == 2568


def reading(at: int, client: Cpu, proxy: Cpu, **more: int) -> Reading:
    return Reading(at_ns=at, roles={CLIENT: client, "proxy": proxy}, **more)


def test_what_we_did_not_use_others_did() -> None:
    earlier = reading(0, Cpu(), Cpu(), busy_ns=SECOND, stolen_ns=0, pressure_us=0)
    later = reading(
        2 * SECOND,
        Cpu(ran_ns=SECOND // 2, waited_ns=SECOND // 50),
        Cpu(ran_ns=SECOND),
        busy_ns=SECOND + 2 * SECOND,
        stolen_ns=SECOND // 10,
        pressure_us=200_000,
    )

    found = between(earlier, later)

    assert found.waited[CLIENT] == pytest.approx(0.01)
    assert found.foreign == pytest.approx(0.25)
    assert found.stolen == pytest.approx(0.05)
    assert found.pressure == pytest.approx(0.1)


def test_a_kernel_without_pressure_says_so() -> None:
    one = reading(0, Cpu(), Cpu())

    assert between(one, reading(SECOND, Cpu(), Cpu())).pressure is None


def test_this_process_is_the_client(tmp_path: Path) -> None:
    for pid, ran in ((os.getpid(), 5), (77, 9)):
        folder = tmp_path / str(pid) / "task" / str(pid)
        folder.mkdir(parents=True)
        (folder / "schedstat").write_text(f"{ran} 1 1\n")
        (folder / "children").write_text("77" if pid != 77 else "")
    (tmp_path / "stat").write_text(STAT)

    found = read({"proxy": [77]}, proc=tmp_path)

    assert found.roles == {
        CLIENT: Cpu(ran_ns=5, waited_ns=1),
        "proxy": Cpu(ran_ns=9, waited_ns=1),
    }
    assert found.pressure_us is None
