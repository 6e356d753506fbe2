"""Which line is taken, which is closed, how many are opened at once: without opening any."""

import asyncio

from typing_extensions import override

from benchmarks.client.line import Line
from benchmarks.client.pacing import Agenda
from benchmarks.client.pool import IDLE_NS, Pool, Route

ROUTE = Route(family=2, place=("127.0.0.1", 1), name="h", tls=False)


class Alarm:
    """An alarm that never calls."""

    def set(self, at_ns: int) -> None:
        """Forget it."""

    def close(self) -> None:
        """Do nothing."""


def made() -> tuple[Pool, Agenda]:
    agenda = Agenda(lambda _call: (Alarm(), "none"))
    return Pool(ROUTE, None, agenda, timeout=1.0), agenda


def line(pool: Pool, agenda: Agenda, since: int = 0) -> Line:
    one = Line(pool.drop, agenda)
    one.connection_made(asyncio.Transport())
    return one


def test_the_last_line_given_is_the_first_taken() -> None:
    pool, agenda = made()
    lines = [line(pool, agenda) for _ in range(3)]
    for one in lines:
        pool.give(one)
    taken: list[Line | None] = []
    pool.take(lambda one, _problem: taken.append(one))

    assert taken == [lines[2]]
    assert pool.idle == 2


def test_a_line_that_was_closed_is_not_taken() -> None:
    pool, agenda = made()
    good, gone = line(pool, agenda), line(pool, agenda)
    pool.give(good)
    pool.give(gone)
    gone.connection_lost(None)
    taken: list[Line | None] = []
    pool.take(lambda one, _problem: taken.append(one))

    assert taken == [good]


def test_lines_idle_for_long_are_closed_the_oldest_first() -> None:
    pool, agenda = made()
    old, new = line(pool, agenda), line(pool, agenda)
    pool.give(old)
    pool.give(new)
    old.transport = new.transport = None  # nothing to abort
    old.idle_since, new.idle_since = 0, 100
    pool.trim(IDLE_NS + 50)

    assert pool.idle == 1
    assert not old.usable
    assert new.usable


def test_a_used_up_line_is_not_kept() -> None:
    pool, agenda = made()
    one = line(pool, agenda)
    one.transport, one.usable = None, False
    pool.give(one)

    assert pool.idle == 0


class Counted(Pool):
    """A pool that only counts the lines it would open."""

    __slots__ = ("begun",)

    @override
    async def _grow(self) -> None:
        self.begun = getattr(self, "begun", 0) + 1


async def turn() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_many_lines_are_opened_a_few_at_a_time() -> None:
    now = [0]
    agenda = Agenda(lambda _call: (Alarm(), "none"), lambda: now[0])
    pool = Counted(ROUTE, None, agenda, timeout=1.0)
    pool.want(20)
    begun = []
    for _ in range(4):
        await turn()
        begun.append(pool.begun)
        now[0] = agenda.next_ns
        agenda.due()

    assert begun == [8, 16, 20, 20]


async def test_before_anything_runs_all_lines_are_opened_at_once() -> None:
    pool = Counted(ROUTE, None, made()[1], timeout=1.0)
    pool.want(20, at_once=True)
    await turn()

    assert pool.begun == 20


async def test_no_line_is_put_off_for_a_request_that_is_due() -> None:
    pool = Counted(ROUTE, None, made()[1], timeout=1.0)
    for _ in range(20):
        pool.take(lambda _line, _problem: None)
    await turn()

    assert pool.begun == 20


async def test_a_request_that_has_come_needs_no_line_any_more() -> None:
    now = [0]
    agenda = Agenda(lambda _call: (Alarm(), "none"), lambda: now[0])
    pool = Counted(ROUTE, None, agenda, timeout=1.0)
    for _ in range(4):
        pool.give(line(pool, agenda))
    pool.want(20)
    for _ in range(4):
        pool.take(lambda _line, _problem: None)
    for _ in range(3):
        await turn()
        now[0] += 10_000_000
        agenda.due()
    await turn()

    assert pool.begun == 16
