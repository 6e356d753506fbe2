"""How one running proxy is put together: what discovery finds reaches routing, pools and pages."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from structlog.testing import capture_logs

from proxy.boot.instance import Instance
from proxy.boot.unanswered import PATIENCE
from proxy.core.call import Call
from proxy.core.catalog import Model
from proxy.dialects.registry import engine
from proxy.settings.balancing import BalanceSettings, Outliers
from proxy.settings.logging import Log
from proxy.settings.schema import BackendSettings, Models, PartialTimeouts, Settings, Timeouts
from proxy.telemetry.sink import Sink


class Nowhere(Sink):
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def write(self, block: bytes) -> None:
        self.blocks.append(block)

    @property
    def dropped(self) -> int:
        return 3


SETTINGS = Settings(
    backends=(
        BackendSettings(name="a", url="http://127.0.0.1:1", weight=2.0, max_in_flight=4),
        BackendSettings(
            name="b",
            url="http://127.0.0.1:2",
            type="llamacpp",
            priority=1,
            timeouts=PartialTimeouts(first_token=7.0),
        ),
    ),
    models=Models(aliases={"gpt": ("m",)}, timeouts={"m": PartialTimeouts(idle=9.0)}),
    timeouts=Timeouts(first_token=5.0),
)


@pytest.fixture
async def instance() -> AsyncIterator[Instance]:
    """Make a proxy that is never started."""
    made = Instance(SETTINGS, Nowhere())
    yield made
    await made.stop()


async def test_settings_become_backends(instance: Instance) -> None:
    a, b = instance.backends()

    assert (a.name, a.weight, a.cap, a.kind) == ("a", 2.0, 4, "")
    assert (b.name, b.priority, b.kind) == ("b", 1, "llamacpp")


async def test_who_is_not_enabled_is_out_of_use_from_the_start() -> None:
    one, two = SETTINGS.backends
    off = msgspec.structs.replace(one, enabled=False)
    made = Instance(msgspec.structs.replace(SETTINGS, backends=(off, two)), Nowhere())

    made._begin_beats()

    assert [backend.draining for backend in made.backends()] == [True, False]
    await made.stop()


async def test_listed_models_can_be_resolved_under_their_aliases(instance: Instance) -> None:
    a, _ = instance.backends()

    instance._on_models(a, (Model(id="m", native="org/m"),))

    (target,) = instance.catalog().resolve("gpt")
    assert target.candidates == (a,)
    assert target.native["a"] == "org/m"


async def test_a_backend_with_models_others_have_too_is_told_as_well(instance: Instance) -> None:
    with capture_logs() as logs:
        for backend in instance.backends():
            instance._on_models(backend, (Model(id="m"),))

    assert [(line["backend"], line["served"], line["added"]) for line in logs] == [
        ("a", 1, ["gpt", "m"]),
        ("b", 1, []),
    ]


async def test_a_recognised_engine_sets_the_life_of_its_connections(instance: Instance) -> None:
    a, _ = instance.backends()

    instance._on_kind(a, engine("llamacpp"))

    side = instance._fleet.sides[a]
    assert side.engine.name == "llamacpp"
    assert side.pool.policy.idle == engine("llamacpp").keep_alive
    assert side.pool.policy.max_requests == engine("llamacpp").max_requests > 0


async def test_timeouts_of_a_model_win_over_those_of_its_backend(instance: Instance) -> None:
    a, b = instance.backends()

    assert instance._fleet.timeouts_for("m", a) == Timeouts(first_token=5.0, idle=9.0)
    assert instance._fleet.timeouts_for("other", b).first_token == 7.0


async def test_dropped_lines_of_all_sinks_are_counted() -> None:
    made = Instance(SETTINGS, Nowhere(), err=Nowhere())

    assert made.dropped_lines() == 6
    await made.stop()


@pytest.mark.parametrize("access", [True, False])
async def test_access_lines_can_be_switched_off(access: bool) -> None:
    made = Instance(Settings(backends=SETTINGS.backends, log=Log(access=access)), Nowhere())

    assert (made._access in made._observers()) is access
    await made.stop()


async def test_a_backend_that_goes_down_and_comes_back_is_told_once_each(
    instance: Instance,
) -> None:
    _, b = instance.backends()
    with capture_logs() as logs:
        for ok in (True, False, False, False, True):
            b.health.probed(ok=ok, now=instance.now(), reason="refused")
            instance._tend()
            instance._tend()

    assert [line["event"] for line in logs] == ["backend down", "backend back"]
    assert logs[0]["reason"] == "refused"


async def test_a_backend_that_was_never_ready_is_told_of(instance: Instance) -> None:
    _, b = instance.backends()
    b.health.probed(ok=False, now=instance.now() - PATIENCE, reason="refused")
    with capture_logs() as logs:
        instance._tend()
        instance._tend()

    assert [line["event"] for line in logs] == ["backend not ready yet"]
    assert logs[0]["backend"] == b.name


async def test_who_looks_sees_calls_that_have_just_ended(instance: Instance) -> None:
    call = Call("1", "/v1/chat/completions", instance.now())
    call.end, call.status, call.ended_at = "--", 200, instance.now()
    instance._metrics.started()
    assert instance.in_flight() == 1

    (observer,) = instance._course.observers
    observer.finished(call)

    assert instance.in_flight() == 0
    assert b'end="--"' in b"".join(instance.metrics.parts())


async def test_calls_that_end_during_a_scrape_are_not_in_flight(instance: Instance) -> None:
    call = Call("1", "/v1/chat/completions", instance.now())
    instance._metrics.started()
    parts = instance.metrics.parts()
    text = next(parts)

    call.end = "--"
    instance._journal.finished(call)

    assert b"headrace_requests_in_flight 0.0" in text + b"".join(parts)


async def test_lines_a_scrape_has_left_are_written_soon() -> None:
    out = Nowhere()
    made = Instance(SETTINGS, out)
    for number in range(600):
        call = Call(str(number), "/v1/chat/completions", made.now())
        call.end, call.ended_at = "--", made.now()
        made._journal.finished(call)
    made.metrics.render()

    made._turn()
    assert b"".join(out.blocks).count(b"\n") == 256
    made._turn()  # the beat, while the next lot is on its way
    await asyncio.sleep(0.05)

    assert b"".join(out.blocks).count(b"\n") == 600
    assert "journal" not in made._timers
    await made.stop()


async def test_a_backend_is_unheard_until_it_has_been_ready_once(instance: Instance) -> None:
    a, b = instance.backends()
    assert instance._course.unheard() == ["a", "b"]

    for backend in (a, b):
        backend.health.probed(ok=True, now=instance.now(), reason="")
    for _ in range(3):
        b.health.probed(ok=False, now=instance.now(), reason="refused")

    assert instance._course.unheard() == []


async def test_draining_is_seen_at_once(instance: Instance) -> None:
    instance.hurry()  # nothing to wait for

    await instance.drain()

    assert instance.draining
    assert instance._edge.draining


async def test_backends_are_judged_by_the_settings_in_force(instance: Instance) -> None:
    rules = BalanceSettings(outliers=Outliers(silence=1.5))

    instance.settle(msgspec.structs.replace(SETTINGS, balance=rules))

    assert instance._referee._policy.silence == 1.5
