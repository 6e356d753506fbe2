"""Deadlines: when a call is looked at next, and which of its limits holds."""

import pytest

from proxy.flow import deadlines
from proxy.flow.attempts import Attempts
from proxy.settings.schema import Timeouts
from tests.fixtures.course import World
from tests.fixtures.ends import SSE, START, chunk, token


def call_in(world: World, timeout: float = 0.0) -> Attempts:
    client = world.ask(timeout=timeout)
    assert client.attempts is not None
    return client.attempts


def test_a_call_is_looked_at_once_a_second_unless_a_limit_is_closer() -> None:
    attempts = call_in(World("a", timeouts=Timeouts(connect=5.0)))

    assert deadlines.next_look(attempts, START) == START + 1.0
    assert deadlines.next_look(attempts, START + 4.4) == START + 5.0
    assert deadlines.next_look(attempts, START + 5.0) == START + 6.0  # what is past was acted on


def test_the_silence_of_a_stream_is_a_limit() -> None:
    world = World("a", timeouts=Timeouts(idle=3.0))
    client, engine = world.asked("a")
    engine.send(SSE + chunk(token()))
    assert client.attempts is not None

    assert deadlines.next_look(client.attempts, START + 2.5) == START + 3.0


def test_no_limit_is_none() -> None:
    world = World("a", timeouts=Timeouts(connect=0.0, first_token=0.0, idle=0.0))
    client = world.ask()
    world.pass_time(1000.0)
    engine = world.reached("a")
    world.pass_time(1000.0)
    engine.send(SSE + chunk(token()))
    world.pass_time(1000.0)

    assert not client.end


def test_a_limit_behind_the_next_look_does_not_move_it() -> None:
    attempts = call_in(World("a"))
    before = attempts.deadline

    deadlines.allow(attempts, 30.0, START)
    assert attempts.deadline == before
    deadlines.allow(attempts, 0.25, START)

    assert attempts.deadline == START + 0.25
    assert attempts.due == START + 0.25
    deadlines.allow(attempts, 0.0, START)
    assert attempts.due == 0.0


@pytest.mark.parametrize(
    ("asked", "total", "wanted"),
    [
        (0.0, 0.0, 0.0),
        (2.0, 0.0, START + 2.0),
        (0.0, 3.0, START + 3.0),
        (2.0, 3.0, START + 2.0),
        (4.0, 3.0, START + 3.0),
    ],
)
def test_the_shorter_overall_limit_holds(asked: float, total: float, wanted: float) -> None:
    attempts = call_in(World("a"), timeout=asked)

    deadlines.overall(attempts, total, START)

    assert attempts.call.deadline == wanted


def test_a_limit_of_the_backend_before_does_not_stay() -> None:
    attempts = call_in(World("a"))
    deadlines.overall(attempts, 3.0, START)

    deadlines.overall(attempts, 0.0, START)

    assert attempts.call.deadline == 0.0


def test_a_call_that_has_ended_is_left_alone() -> None:
    world = World("a")
    attempts = call_in(world)
    attempts.client_gone()

    deadlines.visit(attempts, START + 1e6)

    assert len(world.books.finished_calls) == 1
    assert not world.course.calls


def test_every_deadline_that_has_come_is_acted_on_once() -> None:
    world = World("a", timeouts=Timeouts(first_token=3.0), cap=8)
    clients = [world.asked("a")[0] for _ in range(3)]
    clients[0].leave()

    deadlines.beat(world.course, START + 2.0)
    assert [client.end for client in clients[1:]] == ["", ""]
    deadlines.beat(world.course, START + 3.5)
    deadlines.beat(world.course, START + 99.0)

    assert len(world.books.finished_calls) == 3


def test_pieces_between_two_looks_are_a_sign_of_life() -> None:
    world = World("a", timeouts=Timeouts(idle=3.0))
    client, engine = world.asked("a")
    engine.send(SSE + chunk(token()))
    for _ in range(10):
        world.pass_time(2.5)
        engine.send(chunk(token("on")))

    assert not client.end


def test_the_time_in_queues_is_limited_over_all_of_them() -> None:
    attempts = call_in(World("a"))
    limit = attempts.course.queue_timeout

    attempts.call.queued_s = limit - 2.0
    assert deadlines.may_wait(attempts, START)
    assert attempts.due == START + 2.0
    attempts.call.queued_s = limit
    assert not deadlines.may_wait(attempts, START)
    attempts.course.queue_timeout = 0.0
    assert deadlines.may_wait(attempts, START)
    assert attempts.due == 0.0


class Due:
    """A call that counts its looks; for `beat` it has ended."""

    def __init__(self) -> None:
        self.deadline = START
        self.looks = 0
        self.call = self

    @property
    def end(self) -> str:
        self.looks += 1
        self.deadline = START + 1.0
        return "--"


@pytest.mark.parametrize("lots", [3, 12])
def test_calls_that_are_due_together_are_spread_over_the_beats(lots: int) -> None:
    course = World("a").course
    calls = [Due() for _ in range(lots * deadlines.LOT)]
    course.calls = set(calls)  # type: ignore[arg-type] # as far as `beat` looks

    seen = []
    for _ in range(3):
        deadlines.beat(course, START)
        seen.append(sum(call.looks for call in calls))

    assert seen == [len(calls) // 3, len(calls) // 3 * 2, len(calls)]
    assert {call.looks for call in calls} == {1}
