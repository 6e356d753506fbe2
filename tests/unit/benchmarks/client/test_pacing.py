"""The agenda does what is due, in order, once; its alarm is set to the next instant."""

import asyncio
import time
from collections.abc import Callable

import pytest

from benchmarks.client.pacing import NEVER, Agenda, Alarm, LoopTimer, agenda


class Clock:
    """A clock that is moved by hand, and the alarm that goes with it."""

    def __init__(self) -> None:
        self.now = 0
        self.at: list[int] = []
        self.closed = False
        self.call: Callable[[], None] = lambda: None

    def alarm(self, call: Callable[[], None]) -> tuple[Alarm, str]:
        self.call = call
        return self, "a fake"

    def set(self, at_ns: int) -> None:
        self.at.append(at_ns)

    def close(self) -> None:
        self.closed = True

    def move(self, now: int) -> None:
        self.now = now
        self.call()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plan(clock: Clock) -> Agenda:
    return Agenda(clock.alarm, lambda: clock.now)


def test_due_things_are_done_in_order(clock: Clock, plan: Agenda) -> None:
    done: list[str] = []
    plan.at(20, lambda: done.append("b"))
    plan.at(10, lambda: done.append("a"))
    plan.at(20, lambda: done.append("c"))
    plan.at(30, lambda: done.append("d"))

    clock.move(20)

    assert done == ["a", "b", "c"]
    assert clock.at == [20, 10, 30]
    assert plan.next_ns == 30


def test_nothing_is_done_early(clock: Clock, plan: Agenda) -> None:
    done: list[int] = []
    plan.at(10, lambda: done.append(1))

    clock.move(9)

    assert done == []
    assert clock.at[-1] == 10


def test_what_is_added_while_things_are_done_has_its_turn(clock: Clock, plan: Agenda) -> None:
    done: list[str] = []
    plan.at(10, lambda: plan.at(5, lambda: done.append("late")))

    clock.move(10)

    assert done == ["late"]
    assert plan.next_ns == NEVER


def test_catching_up_does_only_what_is_due(clock: Clock, plan: Agenda) -> None:
    done: list[int] = []
    plan.at(10, lambda: done.append(1))
    plan.catch_up()
    assert done == []

    clock.now = 11
    plan.catch_up()
    assert done == [1]


def test_a_closed_agenda_does_nothing(clock: Clock, plan: Agenda) -> None:
    done: list[int] = []
    plan.at(10, lambda: done.append(1))
    plan.close()

    clock.move(10)

    assert done == []
    assert clock.closed


async def test_the_timer_of_this_system_calls_and_stays_quiet_afterwards() -> None:
    plan = agenda()
    done: list[int] = []
    over = asyncio.Event()
    begin = time.monotonic_ns()
    for later in (2_000_000, 1_000_000, -5):
        plan.at(begin + later, lambda: done.append(time.monotonic_ns()))
    plan.at(begin + 3_000_000, over.set)

    await over.wait()
    plan.close()

    assert len(done) == 3
    assert done[1] >= begin + 1_000_000
    assert done[2] >= begin + 2_000_000
    assert plan.method


async def test_the_fallback_calls_too() -> None:
    over = asyncio.Event()
    timer = LoopTimer(asyncio.get_running_loop(), over.set)
    timer.set(time.monotonic_ns() + 60_000_000_000)
    timer.set(time.monotonic_ns() + 1_000_000)

    await over.wait()
    timer.close()
