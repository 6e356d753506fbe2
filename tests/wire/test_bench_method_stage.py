"""A stage over endpoints that a user named: found, probed, played, and left as they were."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from benchmarks.client.target import EndpointError, Stamp
from benchmarks.driver.procs import NotReadyError
from benchmarks.fake.engine import running
from benchmarks.fake.profile import Profile, Stamps
from benchmarks.load.workload import Shape, draw
from benchmarks.method.rounds import Design
from benchmarks.method.session import Session, session
from benchmarks.method.stage import Control, Via, Wanted

ENGINE = Profile(models=("m",), pace=0.002, stamps=Stamps.FIELD, output_tokens=1000)
SHAPE = Shape(rate=200, requests=6, input="16", output="4")


@asynccontextmanager
async def staged(wanted: Wanted) -> AsyncIterator[Session]:
    async with session(wanted, pin="off", warm=1, timeout=60.0) as made:
        made.bench = msgspec.structs.replace(made.bench, settle=0.0)
        yield made


async def test_named_endpoints_become_lanes_with_their_processes() -> None:
    async with running(ENGINE) as engine, running(ENGINE) as other:
        wanted = Wanted(
            direct=(engine.url,), vias=(Via(name="mine", url=other.url),), again=False, floor=False
        )
        async with staged(wanted) as made:
            found = {lane.name: lane for lane in made.lanes}
            played = await made.play(
                lambda turn: draw(SHAPE, seed=turn), Design(rounds=1, max_time=120.0, repeats=0)
            )

    assert list(found) == ["direct", "mine"]
    assert found["mine"].arm.pids == (os.getpid(),)
    assert made.stage.engines == (os.getpid(),)
    assert {lane.targets[0].model for lane in found.values()} == {"m"}
    assert {lane.targets[0].stamp for lane in found.values()} == {Stamp.FIELD}
    assert [row.failures for row in played.blocks] == [0] * len(played.blocks)
    assert {row.arm for row in played.blocks} == set(found)


async def test_relays_are_started_as_processes_of_their_own() -> None:
    async with running(ENGINE) as engine:
        wanted = Wanted(
            direct=(engine.url,),
            again=False,
            controls=(Control(name="busy", burn_us=50.0),),
        )
        async with staged(wanted) as made:
            roles = {lane.name: lane.arm.role for lane in made.lanes}
            pids = [pid for lane in made.lanes for pid in lane.arm.pids]
            played = await made.play(
                lambda turn: draw(SHAPE, seed=turn), Design(rounds=1, max_time=120.0, repeats=0)
            )
            (busy,) = (row for row in played.blocks if row.arm == "busy")

    assert roles == {"direct": "direct", "floor": "floor", "busy": "delay"}
    assert os.getpid() not in pids
    # Tokens that come together burn once.
    assert (busy.figures["burned_ms_per_1k_tokens"] or 0) >= 20
    assert (busy.figures["cpu_ms_per_1k_tokens"] or 0) > 0
    assert (busy.figures["rss_mib"] or 0) > (busy.figures["pss_mib"] or 0) > 0
    assert (busy.figures["open_files"] or 0) > 3
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_proxy_without_stamps_is_named() -> None:
    plain = Profile(models=("m",), pace=0.002, output_tokens=1000)
    async with running(ENGINE) as engine, running(plain) as other:
        wanted = Wanted(direct=(engine.url,), vias=(Via(name="mine", url=other.url),), floor=False)
        with pytest.raises(EndpointError, match="mine writes answers anew"):
            async with staged(wanted):
                pass


async def test_a_proxy_that_is_not_there_is_named() -> None:
    async with running(ENGINE) as engine:
        wanted = Wanted(
            direct=(engine.url,), vias=(Via(name="mine", url="http://127.0.0.1:1"),), floor=False
        )
        with pytest.raises(EndpointError, match="mine: Nothing listens"):
            async with staged(wanted):
                pass


async def test_a_proxy_cannot_be_started_in_front_of_engines_elsewhere() -> None:
    wanted = Wanted(direct=("http://10.255.255.1:80",), vias=(Via(name="nginx"),), floor=False)

    with pytest.raises(NotReadyError, match="only be started in front of engines on this machine"):
        async with staged(wanted):
            pass
