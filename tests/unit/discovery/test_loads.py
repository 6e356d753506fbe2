"""Engines are asked for their load in order, in time, and no more than they answer."""

from collections.abc import AsyncIterator

import pytest

from proxy.core.reported import Reported
from proxy.dialects.base import Reply
from proxy.dialects.registry import ENGINES
from proxy.discovery.loads import INTERVAL, SILENT, Loads
from tests.unit.discovery.fakes import Answers, FakeFetch, ManualLoop, backend, middle

METRICS = Reply(status=200, body=b"vllm:num_requests_running 3\nvllm:num_requests_waiting 2\n")
SGLANG = Reply(status=200, body=b"sglang:num_running_reqs 4\n")


class Scene:
    """One backend that is ready, and who asks it."""

    def __init__(self) -> None:
        self.backend = backend()
        self.backend.health.probed(True, 0.0, "ready")
        self.fetch = FakeFetch()
        self.loop = ManualLoop()
        self.loads = Loads(self.fetch, loop=self.loop, random=middle)

    def serve(self, answers: Answers) -> None:
        self.fetch.engines = {self.backend.url: answers}

    def recognise(self, kind: str) -> None:
        self.loads.recognised(self.backend, ENGINES[kind])


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    await made.loads.stop()


async def test_what_an_engine_says_is_known_after_the_first_look(scene: Scene) -> None:
    scene.serve({"/metrics": METRICS})
    scene.recognise("vllm")
    await scene.loop.run(INTERVAL + 0.1)

    assert scene.backend.reported == Reported(running=3, waiting=2)
    assert scene.fetch.asked == ["/metrics"]


async def test_it_is_asked_again_and_again_but_not_often(scene: Scene) -> None:
    scene.serve({"/metrics": METRICS})
    scene.recognise("vllm")
    await scene.loop.run(60.0)

    assert 11 <= len(scene.fetch.asked) <= 12


async def test_the_source_that_tells_is_asked_first_from_then_on(scene: Scene) -> None:
    scene.serve({"/metrics": SGLANG})
    scene.recognise("sglang")
    await scene.loop.run(2 * INTERVAL + 0.1)

    assert scene.fetch.asked == ["/v1/loads?include=core", "/get_load", "/metrics", "/metrics"]
    assert scene.backend.reported == Reported(running=4)


async def test_an_engine_that_tells_nothing_is_left_alone_for_a_while(scene: Scene) -> None:
    scene.serve({"/metrics": Reply(status=501)})
    scene.recognise("llamacpp")
    await scene.loop.run(INTERVAL + SILENT - 1.0)

    assert scene.fetch.asked == ["/metrics"]
    assert scene.backend.reported is None


async def test_kinds_that_never_tell_are_never_asked(scene: Scene) -> None:
    scene.recognise("ollama")
    await scene.loop.run(200.0)

    assert scene.fetch.asked == []


async def test_what_was_said_before_a_fall_is_forgotten(scene: Scene) -> None:
    scene.serve({"/metrics": METRICS})
    scene.recognise("vllm")
    await scene.loop.run(INTERVAL + 0.1)
    for _ in range(2):
        scene.backend.health.probed(False, scene.loop.now, "refused")
    asked = len(scene.fetch.asked)
    await scene.loop.run(3 * INTERVAL)

    assert scene.backend.reported is None
    assert len(scene.fetch.asked) == asked


async def test_another_kind_at_the_address_is_asked_its_own_way(scene: Scene) -> None:
    scene.serve({"/metrics": METRICS})
    scene.recognise("vllm")
    await scene.loop.run(INTERVAL + 0.1)
    scene.recognise("ollama")
    asked = len(scene.fetch.asked)
    await scene.loop.run(60.0)

    assert scene.backend.reported is None
    assert len(scene.fetch.asked) == asked


async def test_requests_of_ours_that_came_meanwhile_are_not_taken_for_others(scene: Scene) -> None:
    scene.serve({"/metrics": METRICS})
    scene.recognise("vllm")
    leases = [scene.backend.lease(1.0, 1.0, 0.0) for _ in range(5)]
    await scene.loop.run(3 * INTERVAL)
    scene.backend.available(1000.0)

    assert scene.backend.reported == Reported(running=3, waiting=2)
    assert scene.backend.penalty == 0.0
    assert leases


async def test_after_stop_nobody_is_asked(scene: Scene) -> None:
    scene.serve({"/metrics": METRICS})
    scene.recognise("vllm")
    await scene.loads.stop()
    await scene.loop.run(60.0)

    assert scene.fetch.asked == []
    assert scene.loop.pending == 0
