"""One backend's life as its observer sees it: a loop without time, engines without sockets."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from proxy.core.breaker import State as BreakerState
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.health import State
from proxy.dialects.base import Reply
from proxy.dialects.registry import ENGINES
from proxy.discovery.prober import GAP
from tests.fixtures.fleet import make_backend
from tests.unit.discovery.fakes import (
    TIMEOUT,
    Answers,
    Scene,
    backend,
    listing,
    llamacpp,
    vllm,
)

OURS = Failure(kind=Kind.INTERNAL, origin=Origin.PROXY, phase=Phase.CONNECT, detail="out of files")


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    await made.prober.stop()


async def started(scene: Scene, answers: Answers) -> None:
    scene.serve(answers)
    scene.prober.start()
    await scene.pass_time(0.1)


async def test_a_backend_is_known_at_once(scene: Scene) -> None:
    await started(scene, llamacpp("a", slots=3))

    assert scene.backend.kind == "llamacpp"
    assert scene.backend.health.ready
    assert scene.backend.learned_cap == 3
    assert scene.told == [("kind", "llamacpp"), ("models", "a")]
    assert scene.reason == "ready"


async def test_models_are_told_before_the_backend_is_called_ready(scene: Scene) -> None:
    await started(scene, vllm("a"))

    assert scene.ready_when_told == [False]


async def test_nothing_is_told_twice(scene: Scene) -> None:
    await started(scene, vllm("a"))
    await scene.pass_time(60.0)

    assert scene.told == [("kind", "vllm"), ("models", "a")]
    assert scene.fetch.asked.count("/version") == 1


async def test_a_ready_backend_is_checked_every_5_s_and_its_list_read_every_10(
    scene: Scene,
) -> None:
    await started(scene, vllm("a"))
    scene.fetch.asked.clear()
    await scene.pass_time(60.0)

    assert 11 <= scene.fetch.asked.count("/health") <= 18
    assert 5 <= scene.fetch.asked.count("/v1/models") <= 7


async def test_a_check_this_proxy_could_not_make_says_nothing(scene: Scene) -> None:
    await started(scene, vllm("a"))
    scene.change("/health", OURS)

    await scene.pass_time(60.0)

    assert scene.backend.health.state is State.READY
    assert scene.fetch.asked.count("/health") > 40  # soon again, each time


async def test_reasons_are_plain(scene: Scene) -> None:
    loading = Reply(status=503, body=b'{"error":{"message":"Loading model"}}')
    scene.prober.start()
    await scene.pass_time(0.1)
    assert scene.reason == "refused"

    scene.serve({"/v1/models": loading, "/health": loading})
    await scene.pass_time(1.5)
    assert scene.reason == "status 503: Loading model"
    assert scene.backend.health.state is State.STARTING

    scene.serve({"/v1/models": Reply(status=401)})
    await scene.pass_time(1.5)
    assert scene.reason == "status 401: needs credentials"
    assert scene.backend.kind == ""

    scene.serve({"/v1/models": TIMEOUT})
    await scene.pass_time(1.5)
    assert scene.reason == "timeout"
    assert scene.told == []


async def test_a_backend_that_comes_back_is_used_within_3_s(scene: Scene) -> None:
    await started(scene, vllm("a"))
    scene.serve(None)
    await scene.pass_time(60.0)
    assert scene.backend.health.state is State.DOWN

    scene.serve(vllm("a"))
    await scene.pass_time(3.0)

    assert scene.backend.health.ready


async def test_another_engine_at_the_same_address_is_noticed_before_it_is_used(
    scene: Scene,
) -> None:
    await started(scene, llamacpp("a"))
    scene.serve(None)
    await scene.pass_time(20.0)
    scene.serve(vllm("b"))
    await scene.pass_time(3.0)

    assert scene.backend.kind == "vllm"
    assert scene.backend.learned_cap is None
    assert scene.told[2:] == [("kind", "vllm"), ("models", "b")]
    assert scene.ready_when_told == [False, False]


async def test_an_engine_swapped_without_a_pause_is_noticed_by_its_list(scene: Scene) -> None:
    await started(scene, vllm("a"))
    scene.serve(llamacpp("a") | {"/version": Reply(status=404)})
    await scene.pass_time(30.0)

    assert scene.backend.kind == "llamacpp"
    assert scene.backend.health.ready


async def test_a_kind_that_is_configured_is_never_asked_for() -> None:
    scene = Scene(kind="vllm")
    scene.serve({"/health": Reply(status=200), "/v1/models": listing("m", owner="somebody")})
    scene.prober.start()
    await scene.pass_time(30.0)
    scene.serve(None)
    await scene.pass_time(30.0)
    await scene.prober.stop()

    assert "/version" not in scene.fetch.asked
    assert scene.told == [("kind", "vllm"), ("models", "m")]


async def test_one_bad_list_takes_nothing_away_and_two_do(scene: Scene) -> None:
    await started(scene, vllm("a"))
    good = scene.fetch.engines[scene.backend.url]["/v1/models"]
    scene.change("/v1/models", Reply(status=200, body=b"oops"))
    while scene.reason == "ready":
        scene.fetch.asked.clear()
        await scene.pass_time(0.5)
        if "/v1/models" in scene.fetch.asked:
            break
    scene.change("/v1/models", good)
    await scene.pass_time(30.0)
    assert scene.told[-1] == ("models", "a")
    assert scene.backend.health.ready

    scene.change("/v1/models", listing())
    await scene.pass_time(20.0)
    assert scene.told[-1] == ("models",)
    assert scene.backend.health.ready
    assert scene.reason == "ready, but its models: it lists no models"


@pytest.mark.parametrize("reply", [TIMEOUT, Reply(status=503)])
async def test_a_list_that_does_not_come_takes_nothing_away(
    scene: Scene, reply: Reply | Failure
) -> None:
    await started(scene, vllm("a"))
    scene.change("/v1/models", reply)
    await scene.pass_time(60.0)

    assert scene.told[-1] == ("models", "a")
    assert scene.backend.health.ready
    assert scene.reason.startswith("ready, but its models: ")


async def test_a_new_model_is_found_and_a_removed_one_lost(scene: Scene) -> None:
    await started(scene, vllm("a"))
    scene.change("/v1/models", listing("a", "b"))
    await scene.pass_time(15.0)
    scene.change("/v1/models", listing("b"))
    await scene.pass_time(15.0)

    assert scene.told[1:] == [("models", "a"), ("models", "a", "b"), ("models", "b")]


async def test_a_list_is_read_soon_when_a_model_of_it_was_denied(scene: Scene) -> None:
    await started(scene, vllm("a"))
    await scene.pass_time(2.0)
    scene.change("/v1/models", listing("b"))
    scene.prober.reread(scene.backend)
    scene.prober.reread(make_backend("stranger"))
    await scene.pass_time(0.5)

    assert scene.told[-1] == ("models", "b")


async def test_a_failed_request_brings_the_next_check_forward(scene: Scene) -> None:
    await started(scene, vllm("a"))
    await scene.pass_time(1.0)
    scene.serve(None)
    scene.fetch.asked.clear()
    scene.prober.wake(scene.backend)
    await scene.pass_time(0.01)

    assert scene.fetch.asked == ["/health"]
    assert not scene.backend.health.ready
    assert scene.reason == "refused"


async def test_many_failed_requests_are_one_check(scene: Scene) -> None:
    await started(scene, vllm("a"))
    await scene.pass_time(1.0)
    scene.fetch.asked.clear()
    for _ in range(100):
        scene.prober.wake(scene.backend)
        await scene.pass_time(0.001)

    assert scene.fetch.asked.count("/health") == 1


async def test_rounds_never_overlap_and_a_suspicion_meanwhile_asks_again(scene: Scene) -> None:
    await started(scene, vllm("a"))
    await scene.pass_time(1.0)
    scene.fetch.gate = asyncio.Event()
    scene.fetch.asked.clear()
    scene.prober.wake(scene.backend)
    await scene.pass_time(0.0)
    scene.prober.wake(scene.backend)
    await scene.pass_time(20.0)
    assert scene.fetch.asked == ["/health"]

    scene.fetch.gate.set()
    await scene.pass_time(0.0)
    await scene.pass_time(GAP + 0.01)
    assert scene.fetch.asked.count("/health") == 2
    assert scene.fetch.most_at_once == 1


async def test_a_good_check_does_not_close_an_open_breaker(scene: Scene) -> None:
    await started(scene, vllm("a"))
    breaker = scene.backend.breaker
    now = scene.loop.time()
    for _ in range(3):
        breaker.failed(breaker.admit(now), now, hard=True)
    assert breaker.state(now) is BreakerState.OPEN

    scene.prober.wake(scene.backend)
    await scene.pass_time(1.0)
    assert scene.backend.health.ready
    assert breaker.state(scene.loop.time()) is BreakerState.OPEN

    await scene.pass_time(1.5)
    assert breaker.state(scene.loop.time()) is BreakerState.HALF_OPEN


async def test_a_backend_that_works_again_waits_no_longer_than_the_first_open_time(
    scene: Scene,
) -> None:
    await started(scene, vllm("a"))
    scene.serve(None)
    breaker = scene.backend.breaker
    for _ in range(6):  # trips again and again: the open time doubles
        now = max(scene.loop.time(), breaker.next_probe_at or 0.0)
        await scene.pass_time(now - scene.loop.time())
        for _ in range(3):
            breaker.failed(breaker.admit(now), now, hard=True)
    await scene.pass_time(5.0)
    assert breaker.next_probe_at is not None
    assert breaker.next_probe_at > scene.loop.time() + 10.0

    scene.serve(vllm("a"))
    await scene.pass_time(3.0)

    assert scene.backend.health.ready
    assert breaker.state(scene.loop.time()) is BreakerState.HALF_OPEN


async def test_after_stop_nothing_happens(scene: Scene) -> None:
    await started(scene, vllm("a"))
    scene.fetch.gate = asyncio.Event()
    scene.prober.wake(scene.backend)
    await scene.pass_time(1.0)
    assert scene.fetch.busy == 1

    await scene.prober.stop()
    asked = len(scene.fetch.asked)
    scene.prober.wake(scene.backend)
    await scene.pass_time(60.0)

    assert len(scene.fetch.asked) == asked
    assert scene.fetch.busy == 0
    assert scene.loop.pending == 0


async def test_a_stranger_cannot_be_woken(scene: Scene) -> None:
    scene.prober.wake(backend("http://127.0.0.1:1"))
    await scene.pass_time(1.0)

    assert scene.fetch.asked == []


async def test_a_backend_may_come_later(scene: Scene) -> None:
    scene.prober.start()
    late = backend("http://127.0.0.1:9")
    scene.serve(vllm("m"))
    scene.fetch.engines = {late.url: vllm("m")}
    scene.backend = late

    scene.prober.add(late)
    await scene.pass_time(0.0)

    assert late.health.ready
    assert scene.told == [("kind", "vllm"), ("models", "m")]


async def test_a_backend_that_was_removed_is_asked_no_more(scene: Scene) -> None:
    await started(scene, vllm("m"))
    asked = len(scene.fetch.asked)

    scene.prober.remove(scene.backend)
    scene.prober.wake(scene.backend)
    await scene.pass_time(60.0)

    assert len(scene.fetch.asked) == asked
    assert scene.loop.pending == 0


async def test_a_removal_ends_the_round_under_way(scene: Scene) -> None:
    scene.fetch.gate = asyncio.Event()
    scene.serve(vllm("m"))
    scene.prober.start()
    await scene.pass_time(0.0)
    assert scene.fetch.busy == 1

    scene.prober.remove(scene.backend)
    scene.fetch.gate.set()
    await scene.pass_time(60.0)

    assert scene.fetch.busy == 0
    assert scene.told == []
    assert scene.backend.health.state is State.UNKNOWN


async def test_one_that_comes_back_during_its_last_round_is_checked_afresh(scene: Scene) -> None:
    scene.fetch.gate = asyncio.Event()
    scene.serve(vllm("m"))
    scene.prober.start()
    await scene.pass_time(0.0)

    scene.prober.remove(scene.backend)
    scene.prober.add(scene.backend)
    scene.fetch.gate.set()
    await scene.pass_time(1.0)

    assert scene.backend.health.ready
    assert scene.told == [("kind", "vllm"), ("models", "m")]


async def test_a_kind_can_be_given_later_and_taken_back(scene: Scene) -> None:
    await started(scene, vllm("m"))

    scene.prober.pin(scene.backend, "sglang")
    assert scene.told[-1] == ("kind", "sglang")
    await scene.pass_time(30.0)
    assert scene.backend.kind == "sglang"

    scene.prober.pin(scene.backend, "")
    await scene.pass_time(1.0)
    assert scene.backend.kind == "vllm"


@pytest.mark.parametrize("kind", ["", "vllm"])
async def test_a_profile_that_changed_is_used_by_who_is_of_its_kind(kind: str) -> None:
    scene = Scene(kind=kind)
    await started(scene, vllm("m"))
    changed = msgspec.structs.replace(ENGINES["vllm"])

    for _ in range(2):  # the second time it is known
        scene.prober.know({**ENGINES, "vllm": changed}.values())
        await scene.pass_time(1.0)

        assert scene.told.count(("kind", "vllm")) == 2
    await scene.prober.stop()
