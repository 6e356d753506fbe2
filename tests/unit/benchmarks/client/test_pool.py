"""Which line is taken, which is closed, without opening any."""

import asyncio

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
