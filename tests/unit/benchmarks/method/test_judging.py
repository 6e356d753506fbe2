"""Limits to disturbance: fixed on a calm machine, by what is usual elsewhere."""

import random

import msgspec
import pytest

from benchmarks.measure.interference import CLIENT, Interference
from benchmarks.method.blocks import ENGINES, Measured
from benchmarks.method.judging import LAG_MS, LATEST_MS, WAITED, Limits, disturbed, limits, wider
from tests.fixtures.trials import Cost, Instrument, lane, schedule, trial


async def block(client: float = 0.0, engines: float = 0.0, lag_ms: float = 0.1) -> Measured:
    one = await Instrument({})(lane("direct", "direct"), schedule(4, 2), 1)
    disturbance = Interference(
        waited={CLIENT: client, ENGINES: engines}, foreign=0, stolen=0, pressure=None
    )
    figures = one.figures | {"send_lag_p99_ms": lag_ms}
    return msgspec.structs.replace(one, disturbance=disturbance, figures=figures)


async def test_a_calm_machine_has_the_strict_limits() -> None:
    assert limits([await block(0.001, 0.002)] * 3) == Limits(waited=WAITED, lag_ms=LAG_MS)


async def test_where_waits_are_usual_three_times_the_usual_is_too_much() -> None:
    usual = [await block(0.05), await block(0.04, 0.06), await block(0.9)]

    assert limits(usual).waited == pytest.approx(0.18)


async def test_no_machine_is_so_noisy_that_any_lag_would_do() -> None:
    assert limits([await block(lag_ms=80)]).lag_ms == LATEST_MS


async def test_without_blocks_before_the_limits_are_strict() -> None:
    assert limits([]) == Limits()


@pytest.mark.parametrize(
    ("client", "engines", "lag_ms", "why"),
    [
        (0.005, 0.005, 0.5, ""),
        (0.02, 0.0, 0.5, "waited for a CPU 2.0%"),
        (0.0, 0.03, 0.5, "waited for a CPU 3.0%"),
        (0.0, 0.0, 2.4, "sent up to 2.4 ms late"),
    ],
)
async def test_a_block_is_disturbed_by_waits_and_by_late_sends(
    client: float, engines: float, lag_ms: float, why: str
) -> None:
    found = disturbed(await block(client, engines, lag_ms), Limits())

    assert found == why or (why and why in found)


def test_the_wider_of_two_limits_counts() -> None:
    found = wider(Limits(waited=0.1, lag_ms=2), Limits(waited=0.05, lag_ms=3))

    assert found == Limits(waited=0.1, lag_ms=3)


def test_the_limits_are_told() -> None:
    assert "at most 1.0% of the time" in Limits().words()


def test_the_made_trials_are_what_they_claim() -> None:
    seen = trial(schedule(2, 3), Cost(), random.Random(1))

    assert [len(one.received) for one in seen.observed] == [3, 3]
