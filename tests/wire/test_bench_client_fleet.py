"""Several load-making processes: one schedule, one start, one result."""

import asyncio
from collections.abc import Callable

import pytest

from benchmarks.client.fleet import Fleet, drive
from benchmarks.client.target import EndpointError, Stamp, Target
from benchmarks.fake.engine import running
from benchmarks.fake.profile import Profile, Stamps
from benchmarks.load.planned import Planned, Schedule

PROFILE = Profile(models=("m",), stamps=Stamps.FIELD, pace=0.002, output_tokens=1000)


def schedule(count: int, **more: object) -> Schedule:
    requests = tuple(Planned(at=0.01 * at, input_tokens=20, output_tokens=5) for at in range(count))
    return Schedule(requests=requests, span=0.01 * count, **more)  # type: ignore[arg-type]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.005)


async def test_a_schedule_is_dealt_out_and_put_together_again() -> None:
    told: list[tuple[int, int]] = []
    async with running(PROFILE) as engine, Fleet(2) as fleet:
        to = Target(name="t", url=engine.url, model="m", stamp=Stamp.FIELD)
        first = await fleet.drive(
            to,
            schedule(9),
            warm=4,
            timeout=60,
            progress=lambda ended, all_: told.append((ended, all_)),
        )
        second = await fleet.drive(to, schedule(4, concurrency=2), timeout=60)

    assert [one.index for one in first.observed] == list(range(9))
    assert {one.failure for one in first.observed + second.observed} == {""}
    assert {one.intended_ns - first.began_ns for one in first.observed} == {
        int(0.01 * at * 1e9) for at in range(9)
    }
    assert (first.processes, second.processes) == (2, 2)
    assert first.client.ran_ns > 0
    assert told[-1] == (9, 9)


async def test_a_refusal_of_a_worker_is_an_endpoint_error() -> None:
    to = Target(name="t", url="http://host.invalid:1", model="m")

    with pytest.raises(EndpointError, match="cannot be found"):
        await drive(to, schedule(2), processes=2, timeout=60)


async def test_a_worker_goes_when_nobody_is_left() -> None:
    async with running(PROFILE) as engine:
        slow = Planned(input_tokens=4, output_tokens=1000)
        to = Target(name="t", url=engine.url, model="m")
        fleet = Fleet(1)
        async with fleet:
            load = asyncio.get_running_loop().create_task(
                fleet.drive(to, Schedule(requests=(slow,), span=1.0), timeout=30)
            )
            await until(lambda: engine.running == 1)
            load.cancel()
        await until(lambda: engine.requests.aborted == 1)
