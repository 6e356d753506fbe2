"""The memory of a cgroup is read in both versions, and calls are refused while it is short."""

from pathlib import Path

import pytest

from proxy.boot.memory import Cgroup, Shelter, own
from proxy.edge.server import Edge
from proxy.flow.shedding import Shedding
from proxy.settings.schema import Limits
from tests.fixtures.course import World
from tests.fixtures.stack import eventually


def second(folder: Path, used: int, limit: str = "1000", files: int = 100) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {files}\n")
    return folder


def test_pages_of_files_do_not_count(tmp_path: Path) -> None:
    cgroup = Cgroup(second(tmp_path, 900))

    assert (cgroup.limit, cgroup.used()) == (1000, 800)


def test_the_first_version_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "memory.limit_in_bytes").write_text("2000")
    (tmp_path / "memory.usage_in_bytes").write_text("700")
    (tmp_path / "memory.stat").write_text("inactive_file 1\ntotal_inactive_file 50\n")
    cgroup = Cgroup(tmp_path)

    assert (cgroup.limit, cgroup.used()) == (2000, 650)


@pytest.mark.parametrize("limit", ["max", "9223372036854771712", ""])
def test_no_limit_is_no_limit(tmp_path: Path, limit: str) -> None:
    assert Cgroup(second(tmp_path, 1, limit)).limit is None
    assert Cgroup(tmp_path / "gone").limit is None


def test_the_own_one_is_found(tmp_path: Path) -> None:
    process = tmp_path / "cgroup"
    process.write_text("4:memory:/v1\n9:cpu:/\n0::/pod/box\n")
    second(tmp_path / "pod" / "box", 1, "500")
    assert own(tmp_path, process).limit == 500

    process.write_text("0::/elsewhere\n")  # as a container without a namespace of its own sees it
    second(tmp_path, 1, "600")
    assert own(tmp_path, process).limit == 600
    assert own(tmp_path / "gone", tmp_path / "gone").limit is None


async def test_calls_are_refused_while_it_is_short(tmp_path: Path) -> None:
    edge = Edge(World("a").course, Limits())
    before, clock = edge.intake, [10.0]
    shelter = Shelter(edge, lambda: clock[0], lambda: Cgroup(second(tmp_path, 990)))

    shelter.look()
    await eventually(lambda: shelter.shedding)
    assert isinstance(edge.intake, Shedding)

    second(tmp_path, 100)
    shelter.look()  # too soon: nothing is read
    clock[0] += 5.0
    shelter.look()
    await eventually(lambda: not shelter.shedding)
    assert edge.intake is before
    shelter.stop()


async def test_without_a_limit_nothing_is_looked_at(tmp_path: Path) -> None:
    edge = Edge(World("a").course, Limits())
    clock = [10.0]
    shelter = Shelter(edge, lambda: clock[0], lambda: Cgroup(tmp_path))
    shelter.look()
    await eventually(lambda: shelter.cgroup is not None)
    before = shelter._task

    clock[0] += 5.0
    shelter.look()
    shelter.stop()

    assert shelter._task is before
    assert not shelter.shedding
