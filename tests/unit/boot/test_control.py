"""What the control process knows its workers know, and what becomes of their calls it counts."""

import json

import msgspec

from proxy.core.health import State
from proxy.core.joint import TURN
from proxy.edge.admin import document
from proxy.settings.schema import BackendSettings, Limits
from proxy.telemetry.reloads import Result
from tests.fixtures.crew import SETTINGS, Crew, crew
from tests.fixtures.stack import eventually
from tests.fixtures.view import ended_call


async def test_what_is_found_reaches_every_worker() -> None:
    async with crew() as scene:
        assert scene.workers[0].catalog().names() == ()

        scene.found("m", "n")
        await scene.settled("m", "n")

        backend = scene.workers[1].backends()[0]
        assert (backend.kind, backend.health.state) == ("vllm", State.READY)
        assert backend.available(scene.control.now())


async def test_an_order_for_one_backend_reaches_every_worker_and_outlasts_a_reload() -> None:
    async with crew() as scene:
        scene.found("m")
        await scene.settled("m")
        known = scene.control.backends()[0]

        def states() -> set[State]:
            return {w.backends()[0].health.state for w in scene.workers.values()}

        scene.control.upkeep.drain(known)
        await eventually(lambda: states() == {State.DRAINING})
        scene.next = msgspec.structs.replace(SETTINGS, limits=Limits(queue=7))
        await scene.control.reload("test")
        await scene.hire(1)
        assert states() == {State.DRAINING}

        scene.control.upkeep.resume(known)
        known.health.probed(ok=True, now=scene.control.now(), reason="ready")
        await eventually(lambda: states() == {State.READY})


async def test_a_worker_that_comes_later_knows_all_at_once() -> None:
    async with crew(2) as scene:
        scene.found("m")
        await scene.settled("m")

        late = await scene.hire(1)

        assert late.catalog().names() == ("m",)


async def test_a_suspicion_of_a_worker_has_the_backend_checked() -> None:
    async with crew() as scene:
        scene.found("m")
        await scene.settled("m")

        scene.workers[0]._course.suspect(scene.workers[0].backends()[0])

        await eventually(lambda: scene.workers[1].backends()[0].health.state is State.FAILING)


async def test_breakers_open_everywhere_and_close_everywhere() -> None:
    async with crew() as scene:
        scene.found("m")
        await scene.settled("m")
        now = scene.control.now()
        mine, theirs = (w.backends()[0].breaker for w in scene.workers.values())
        seen = scene.control.backends()[0].breaker

        for _ in range(3):
            mine.failed(mine.admit(now), now, hard=True)
        assert not mine.closed
        await eventually(lambda: not theirs.closed and not seen.closed)

        later = now + 100.0
        later += next(n * TURN / 2 for n in range(99) if theirs.allows(later + n * TURN / 2))
        theirs.succeeded(theirs.admit(later), later)
        await eventually(lambda: mine.closed and seen.closed)


async def test_a_trial_that_died_with_its_worker_leaves_its_place() -> None:
    async with crew() as scene:
        scene.found("m")
        await scene.settled("m")
        now = scene.control.now()
        mine, theirs = (w.backends()[0].breaker for w in scene.workers.values())
        for _ in range(3):
            mine.failed(mine.admit(now), now, hard=True)
        await eventually(lambda: not theirs.closed)
        later = now + 100.0
        mine.admit(later + next(n * 0.1 for n in range(99) if mine.allows(later + n * 0.1)))
        await eventually(lambda: (theirs.next_probe_at or 0.0) > later)

        scene.links[0].close()

        await eventually(lambda: (theirs.next_probe_at or 0.0) < later)


async def test_calls_of_all_are_counted_and_outlive_their_worker() -> None:
    async with crew() as scene:
        scene.found("llama")
        await scene.settled("llama")
        for worker in scene.workers.values():
            worker._course.started()
            worker._journal.finished(ended_call(worker.backends()[0]))
            worker._tell()
        row = b'headrace_requests_total{backend="a",end="--",model="llama",status="200"} 2.0'
        await eventually(lambda: row in scene.control.metrics.render())

        scene.links[0].close()
        await eventually(lambda: len(scene.control.crew) == 1)

        text = scene.control.metrics.render()
        assert row in text
        assert b"headrace_workers 1.0" in text
        assert b"headrace_workers_lost_total 1.0" in text


async def test_the_status_page_sums_up_its_workers() -> None:
    async with crew() as scene:
        scene.found("m")
        await scene.settled("m")
        for worker in scene.workers.values():
            worker._course.started()
            worker.backends()[1].lease(100.0, 50.0, worker.now())
            worker._tell()
        await eventually(lambda: scene.control.in_flight() == 2)

        shown = json.loads(json.dumps(document(scene.control)))

        assert [row["pid"] for row in shown["workers"]] == [1000, 1001]
        assert [row["in_flight"] for row in shown["workers"]] == [1, 1]
        assert (shown["backends"][1]["in_flight"], shown["backends"][1]["work"]) == (2, 300.0)
        assert shown["ready"]


async def test_what_a_dead_worker_held_is_given_back() -> None:
    async with crew() as scene:
        scene.workers[0].backends()[0].lease(100.0, 50.0, 1.0)
        assert scene.control.backends()[0].in_flight == 1

        scene.links[0].close()

        await eventually(lambda: not scene.control.backends()[0].in_flight)


async def reload(scene: Crew, **changes: object) -> Result:
    scene.next = type(SETTINGS)(**{"backends": SETTINGS.backends, **changes})  # type: ignore[arg-type]
    return (await scene.control.reload("test")).result


async def test_a_reload_holds_everywhere_when_it_is_answered() -> None:
    async with crew() as scene:
        scene.found("m")
        await scene.settled("m")
        new = BackendSettings(name="c", url="http://127.0.0.1:3", type="vllm")

        assert (
            await reload(scene, backends=(*SETTINGS.backends, new), limits=Limits(queue=7))
            is Result.APPLIED
        )

        for worker in scene.workers.values():
            assert [backend.name for backend in worker.backends()] == ["a", "b", "c"]
            assert worker.settings.limits.queue == 7
        scene.found("m")
        await eventually(
            lambda: all(each.health.ready for w in scene.workers.values() for each in w.backends())
        )


async def test_a_drain_sends_every_worker_away() -> None:
    async with crew() as scene:
        task = scene.control.begin_drain(handed_over=True)

        await eventually(lambda: all(w.ending.is_set() for w in scene.workers.values()))
        for worker in scene.workers.values():
            assert worker._edge.draining  # the listeners are left at once
            worker.hurry()
            await worker.drain()
            await worker.stop()
        await task

        assert scene.going == 1
        assert scene.control.draining
        assert scene.control.crew.lost == 0
