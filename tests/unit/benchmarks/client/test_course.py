"""Who is sent when, with lines and an alarm moved by hand."""

import asyncio
import math
from collections.abc import Callable
from typing import cast

import pytest

from benchmarks.client.course import Bounds, Course, Hooks
from benchmarks.client.dues import SECOND
from benchmarks.client.line import Ended, Line
from benchmarks.client.pacing import Agenda, Alarm
from benchmarks.client.pool import Pool
from benchmarks.client.reading import Raw
from benchmarks.load.planned import Planned


class FakeLine:
    """Keeps what was sent until it is told to end it."""

    usable = True

    def __init__(self, scene: "Scene") -> None:
        self.scene = scene
        self.cancelled: list[int] = []
        self.closed = False

    def send(self, raw: Raw, message: bytes, ended: Ended, *, read_rate: float | None) -> None:
        raw.sent_ns = self.scene.now
        self.scene.sent.append(raw)
        self.scene.ends[raw.index] = lambda: ended(cast("Line", self), raw)

    def cancel(self, raw: Raw) -> None:
        self.cancelled.append(raw.index)

    def close(self) -> None:
        self.closed = True


class Scene:
    """A pool with endless lines, a clock, an alarm."""

    one_shot = False

    def __init__(self) -> None:
        self.now = 0
        self.armed = 0
        self.sent: list[Raw] = []
        self.ended: list[int] = []
        self.ends: dict[int, Callable[[], None]] = {}
        self.wanted: list[int] = []
        self.line = FakeLine(self)
        self.alarmed: Callable[[], None] = lambda: None
        self.agenda = Agenda(self._alarm, lambda: self.now)

    def _alarm(self, call: Callable[[], None]) -> tuple[Alarm, str]:
        self.alarmed = call
        return self, "a fake"

    def set(self, at_ns: int) -> None:
        """Count it: the test calls."""
        self.armed += 1

    def close(self) -> None:
        """Do nothing."""

    def want(self, count: int) -> None:
        self.wanted.append(count)

    def take(self, ready: Callable[[FakeLine, str], None]) -> None:
        ready(self.line, "")

    def give(self, line: FakeLine) -> None:
        """Take it."""

    def trim(self, now_ns: int) -> None:
        """Do nothing."""

    def course(
        self, *requests: Planned, limit: int | None = None, until: float = math.inf
    ) -> Course:
        hooks = Hooks(
            message=lambda index: b"%d" % index, ended=lambda raw: self.ended.append(raw.index)
        )
        return Course(
            dict(enumerate(requests)),
            cast("Pool", self),
            self.agenda,
            hooks,
            Bounds(limit=limit, timeout=1e9, until=until),
        )

    async def begin(self, course: Course) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(course.run(SECOND))
        await asyncio.sleep(0)
        return task

    def move(self, seconds: float) -> None:
        self.now = int(seconds * SECOND)
        self.alarmed()

    def end(self, index: int) -> None:
        raw = next(raw for raw in self.sent if raw.index == index)
        raw.ended_ns = self.now
        self.ends[index]()

    @property
    def indices(self) -> list[int]:
        return [raw.index for raw in self.sent]


def planned(at: float = 0.0, **more: object) -> Planned:
    return Planned(at=at, input_tokens=1, output_tokens=1, **more)  # type: ignore[arg-type]


# Second 1 of these clocks is second 0 of the schedule.


async def test_open_loop_waits_for_nobody_and_skips_nothing() -> None:
    scene = Scene()
    task = await scene.begin(scene.course(planned(0.0), planned(0.5), planned(0.7)))
    scene.move(2.0)

    assert scene.indices == [0, 1, 2]
    assert [raw.intended_ns for raw in scene.sent] == [
        SECOND,
        SECOND + SECOND // 2,
        SECOND + int(0.7 * SECOND),
    ]
    for index in (2, 0, 1):
        scene.end(index)
    await task
    assert scene.ended == [2, 0, 1]


async def test_closed_loop_sends_the_next_when_a_place_is_free() -> None:
    scene = Scene()
    task = await scene.begin(scene.course(planned(), planned(), planned(), limit=2))
    scene.move(1.0)
    assert scene.indices == [0, 1]

    scene.now = 5 * SECOND
    scene.end(1)
    assert scene.indices == [0, 1, 2]
    assert scene.sent[-1].intended_ns == 5 * SECOND
    scene.end(0)
    scene.end(2)
    await task


async def test_a_free_place_waits_for_the_time_of_the_next() -> None:
    scene = Scene()
    task = await scene.begin(scene.course(planned(), planned(4.0), limit=1))
    scene.move(1.0)
    scene.now = 2 * SECOND
    scene.end(0)
    assert scene.indices == [0]

    scene.move(5.0)
    assert scene.indices == [0, 1]
    assert scene.sent[1].intended_ns == 5 * SECOND
    scene.end(1)
    await task


async def test_a_turn_follows_and_thinks() -> None:
    scene = Scene()
    turns = (planned(session=1), planned(session=1, turn=1, think=2.0))
    task = await scene.begin(scene.course(*turns))
    scene.move(1.0)
    assert scene.indices == [0]

    scene.now = 3 * SECOND
    scene.end(0)
    scene.move(5.0)
    assert scene.indices == [0, 1]
    assert scene.sent[1].intended_ns == 5 * SECOND
    scene.end(1)
    await task


async def test_a_request_is_cancelled_after_its_time() -> None:
    scene = Scene()
    task = await scene.begin(scene.course(planned(cancel_after=0.5)))
    scene.move(1.0)
    scene.move(1.4)
    assert scene.line.cancelled == []
    scene.move(1.5)
    assert scene.line.cancelled == [0]
    scene.end(0)
    await task


async def test_lines_are_wanted_for_what_is_coming() -> None:
    scene = Scene()
    course = scene.course(*(planned(at / 10) for at in range(8)))
    task = await scene.begin(course)

    assert scene.wanted == [0], "second 0 is a second away"
    task.cancel()

    scene.now = SECOND
    task = await scene.begin(course)
    assert scene.wanted[1:] == [3], "at 0, 0.1 and 0.2 s"
    task.cancel()


async def test_nothing_to_send_is_over_at_once() -> None:
    await Scene().course().run(0)


async def test_a_closed_loop_starts_nothing_after_its_end() -> None:
    scene = Scene()
    task = await scene.begin(scene.course(*[planned()] * 9, limit=2, until=1.0))
    scene.move(1.0)
    scene.now = int(1.5 * SECOND)
    scene.end(0)
    scene.now = int(2.5 * SECOND)
    scene.armed = 0
    scene.end(1)
    scene.alarmed()
    assert scene.indices == [0, 1, 2]
    assert scene.armed == 0

    scene.end(2)
    await task
    assert scene.ended == [0, 1, 2]


async def test_an_end_while_all_sessions_think_is_the_end() -> None:
    scene = Scene()
    turns = [planned(session=1), planned(session=1, turn=1, think=60.0)]
    task = await scene.begin(scene.course(*turns, limit=1, until=1.0))
    scene.move(1.0)
    scene.end(0)
    scene.now = int(2.0 * SECOND)
    await asyncio.wait_for(task, 1.0)

    assert scene.indices == [0]


async def test_what_is_under_way_is_closed_when_a_course_is_given_up() -> None:
    scene = Scene()
    task = await scene.begin(scene.course(planned(), planned(9.0)))
    scene.move(1.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert scene.line.closed
