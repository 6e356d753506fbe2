"""Ended requests are kept raw within bounds and read in the order of the schedule."""

import resource

import pytest

from benchmarks.client.drive import Block, Shelf, allow_files
from benchmarks.client.reading import Raw
from benchmarks.client.target import Target
from benchmarks.load.planned import Schedule

TARGET = Target(name="t", url="http://h")


def raw(index: int) -> Raw:
    made = Raw(index, 0)
    made.reads = [(1, b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")]
    return made


def test_requests_come_back_by_their_place() -> None:
    shelf = Shelf(TARGET)
    for index in (2, 0, 1):
        shelf.put(raw(index))

    assert [report.observed.index for report in shelf.reports()] == [0, 1, 2]


def test_what_does_not_fit_is_read_at_once() -> None:
    shelf = Shelf(TARGET, keep=400)
    for index in range(5):
        shelf.put(raw(index))

    assert len(shelf._raw) == 2
    assert len(shelf._reports) == 3
    assert [report.observed.status for report in shelf.reports()] == [503] * 5


def test_the_limit_of_open_files_is_raised() -> None:
    allow_files()

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == hard


@pytest.mark.parametrize(("concurrency", "first"), [(None, True), (4, False)])
async def test_only_an_open_loop_may_go_before_other_processes(
    concurrency: int | None, *, first: bool
) -> None:
    schedule = Schedule(requests=(), span=1.0, concurrency=concurrency)
    block = Block(TARGET, schedule, {}, progress=None, timeout=1.0, first=True)

    assert block._first is first
    await block.close()
