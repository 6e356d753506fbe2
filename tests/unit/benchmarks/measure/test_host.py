"""Reading a process's CPU and memory from a /proc made for the test."""

from pathlib import Path

from benchmarks.measure.host import (
    Cpu,
    cpu,
    descriptors,
    facts,
    memory,
    parse_rollup,
    parse_schedstat,
    stolen,
    supported,
    tree,
)

ROLLUP = "56339931b000-7ffea01b7000 ---p 00000000 00:00 0  [rollup]\nRss:  8748 kB\nPss:  7290 kB\n"


def thread(proc: Path, pid: int, tid: int, ran: int, waited: int, children: str = "") -> None:
    folder = proc / str(pid) / "task" / str(tid)
    folder.mkdir(parents=True)
    (folder / "schedstat").write_text(f"{ran} {waited} 7\n")
    (folder / "children").write_text(children)


def test_schedstat_gives_time_on_the_cpu_and_time_waiting() -> None:
    assert parse_schedstat("177425552 144761 6\n") == Cpu(ran_ns=177425552, waited_ns=144761)


def test_cpu_adds_threads_and_descendants(tmp_path: Path) -> None:
    thread(tmp_path, 10, 10, 100, 1, "20 ")
    thread(tmp_path, 10, 11, 1000, 2)
    thread(tmp_path, 20, 20, 10_000, 4, "30")
    thread(tmp_path, 30, 30, 100_000, 8)

    assert tree(10, proc=tmp_path) == [10, 20, 30]
    assert cpu([10], proc=tmp_path) == Cpu(ran_ns=111_100, waited_ns=15)
    assert cpu([10], descend=False, proc=tmp_path) == Cpu(ran_ns=1100, waited_ns=3)


def test_cpu_of_a_process_that_is_gone_is_nothing(tmp_path: Path) -> None:
    assert cpu([99], proc=tmp_path) == Cpu()


def test_cpu_since_an_earlier_reading() -> None:
    later, earlier = Cpu(ran_ns=9, waited_ns=5), Cpu(ran_ns=4, waited_ns=1)

    assert later.since(earlier) == Cpu(ran_ns=5, waited_ns=4)


def test_memory_adds_resident_and_proportional_size(tmp_path: Path) -> None:
    thread(tmp_path, 10, 10, 0, 0, "20")
    thread(tmp_path, 20, 20, 0, 0)
    (tmp_path / "10" / "smaps_rollup").write_text(ROLLUP)
    (tmp_path / "20" / "smaps_rollup").write_text(ROLLUP)

    found = memory([10], proc=tmp_path)

    assert (found.rss_kib, found.shared_out_kib) == (2 * 8748, 2 * 7290)


def test_rollup_is_read_by_name() -> None:
    assert parse_rollup(ROLLUP).rss_kib == 8748


def test_stolen_time_is_the_eighth_column(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  170596 0 12101 355698 652 0 858 6900 0 0\ncpu0 1\n")

    assert stolen(proc=tmp_path) == 69.0


def test_facts_name_the_cpu(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: A Processor\n")

    assert facts(proc=tmp_path)["cpu"] == "A Processor"


def test_a_kernel_without_schedstat_is_noticed(tmp_path: Path) -> None:
    assert not supported(proc=tmp_path)


def test_open_files_are_counted_over_the_tree(tmp_path: Path) -> None:
    thread(tmp_path, 10, 10, 0, 0, "20")
    thread(tmp_path, 20, 20, 0, 0)
    for pid, number in ((10, 0), (10, 1), (20, 0)):
        (tmp_path / str(pid) / "fd").mkdir(exist_ok=True)
        (tmp_path / str(pid) / "fd" / str(number)).touch()

    assert descriptors([10, 99], proc=tmp_path) == 3
