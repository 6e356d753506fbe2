"""What a worker tells: ends of calls in lots, how it is, and that a place is free."""

import structlog
from structlog.testing import capture_logs

from proxy.boot.frames import Ended, Frame, Report
from proxy.boot.link import Link
from proxy.boot.unanswered import PATIENCE
from proxy.boot.worker import LOT, Forward, quieten
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.settings.logging import Log, LogLevel
from proxy.settings.schema import Settings
from proxy.telemetry import logs
from tests.fixtures.crew import Nowhere, crew
from tests.fixtures.stack import eventually
from tests.fixtures.view import ended_call


class Wire(Link):
    """A link that keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Frame] = []

    def send(self, frame: Frame, *, droppable: bool = False) -> None:
        self.sent.append(frame)


def test_ends_go_together_and_not_in_lots_too_large() -> None:
    wire = Wire()
    forward = Forward(wire)
    for _ in range(LOT + 1):
        forward.started()
        forward.finished(ended_call())
    assert [len(frame.entries) for frame in wire.sent if isinstance(frame, Ended)] == [LOT]

    forward.send()
    forward.send()

    assert [len(frame.entries) for frame in wire.sent if isinstance(frame, Ended)] == [LOT, 1]
    assert forward.started_count == forward.finished_count


def test_a_failed_attempt_is_told_as_it_was() -> None:
    wire = Wire()
    forward = Forward(wire)
    call = ended_call()
    call.attempts = 1
    failure = Failure(kind=Kind.CLOSED, origin=Origin.BACKEND, phase=Phase.WAIT, detail="gone")

    forward.attempt_failed(call, failure, retried=True)
    call.attempts = 2
    forward.finished(call)
    forward.send()

    (frame,) = wire.sent
    assert isinstance(frame, Ended)
    assert [one.retried for one in frame.entries] == [True, None]
    assert frame.entries[0].facts != frame.entries[1].facts


async def test_it_reports_how_it_is_only_if_that_changed() -> None:
    async with crew(1) as scene:
        worker, wire = scene.workers[0], Wire()
        link, worker._link = worker._link, wire

        worker._tell()
        worker._course.started()
        worker._tell()
        worker._tell()

        reports = [frame for frame in wire.sent if isinstance(frame, Report)]
        assert [report.in_flight for report in reports] == [0, 1]
        worker._link = link


async def test_a_free_place_is_told_to_who_waits() -> None:
    async with crew() as scene:
        scene.found("m")
        await scene.settled("m")
        one, two = scene.workers.values()
        runs: list[int] = []
        two._queues.queue("m")._total.elsewhere.waits("m", 1)
        two.hear = lambda frame: runs.append(1)  # type: ignore[method-assign]
        scene.links[1].heard = two.hear

        one.backends()[0].lease(1.0, 1.0, one.now()).release()

        await eventually(lambda: bool(runs))
        two._queues.queue("m")._total.elsewhere.waits("m", -1)


async def test_who_was_never_ready_is_told_of_by_the_control_alone() -> None:
    async with crew(1) as scene:
        both = scene.control, scene.workers[0]
        with capture_logs() as logs:
            for one in both:
                late = one.backends()[0].health
                late.probed(ok=False, now=one.now() - PATIENCE, reason="refused")
                one._tend()

    assert [line["event"] for line in logs] == ["backend not ready yet"]


def test_what_the_control_tells_it_does_not_repeat() -> None:
    sink = Nowhere()
    logs.configure(sink, level="info", render=logs.render_json, about={"worker": 3})
    quieten(Settings())
    structlog.get_logger().info("engine recognised")
    structlog.get_logger().warning("spoken")
    quieten(Settings(log=Log(level=LogLevel.DEBUG)))

    assert len(sink.blocks) == 1
    assert b'"worker":3' in sink.blocks[0]
    structlog.reset_defaults()
