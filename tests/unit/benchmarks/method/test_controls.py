"""Controls: a known effect recovered or not, from made rows."""

import random

import pytest

from benchmarks.method import controls
from benchmarks.method.blocks import BURNED
from benchmarks.method.controls import Truth
from benchmarks.method.figures import Figures
from benchmarks.method.rounds import Design, Played, Rounds
from benchmarks.report.record import Block
from tests.fixtures.trials import Cost, Instrument, lanes, schedule, trial

DELAY = Truth(arm="late", base="floor", delay_ms=20)
BURN = Truth(arm="busy", base="brief")


def rows(arm: str, figures: Figures, *, rounds: int = 8) -> list[Block]:
    return [Block(round=turn, arm=arm, figures=dict(figures)) for turn in range(1, rounds + 1)]


def late(added_us: float) -> list[Block]:
    return rows("floor", {"token_p50_us": 300.0}) + rows("late", {"token_p50_us": 300 + added_us})


def busy(cpu: float, burned: float) -> list[Block]:
    brief = rows("brief", {"cpu_ms_per_1k_tokens": 70.0, BURNED: 50.0})
    return brief + rows("busy", {"cpu_ms_per_1k_tokens": cpu, BURNED: burned})


@pytest.mark.parametrize(
    ("added_us", "passed"), [(20_000, True), (20_900, True), (21_100, False), (18_000, False)]
)
def test_a_delay_is_found_within_five_percent(added_us: float, passed: bool) -> None:
    assert controls.control(late(added_us), DELAY, "delay").passed is passed


@pytest.mark.parametrize(
    ("cpu", "burned", "passed"), [(270, 250, True), (280.5, 250, False), (208, 250, False)]
)
def test_burned_cpu_is_found_within_five_percent(cpu: float, burned: float, passed: bool) -> None:
    found = controls.control(busy(cpu, burned), BURN, "burn")

    assert found.passed is passed


def test_what_every_burn_costs_beside_its_length_is_no_error_of_the_clock() -> None:
    found = controls.control(busy(270, 250), BURN, "burn")  # 20 ms of each are no burn

    assert found.detail.startswith("measured 100.0% of it")


def test_two_burns_of_one_length_recover_nothing() -> None:
    assert controls.recovered(busy(70, 50), BURN) == []


def test_a_control_tells_what_it_found() -> None:
    found = controls.control(late(19_500), DELAY, "delay")

    assert found.detail.startswith("measured 97.5% of it [97.5% .. 97.5%]")


def test_too_few_rounds_recover_nothing() -> None:
    few = [row for row in late(20_000) if row.round < 6]

    found = controls.control(few, DELAY, "delay")

    assert not found.passed
    assert "fewer than 6" in found.detail


async def played(costs: dict[str, Cost]) -> Played:
    instrument = Instrument(costs)
    rounds = Rounds(
        lanes("direct", "again"),
        instrument,
        lambda _turn: schedule(20, 6),
        Design(rounds=8, max_time=999),
        clock=instrument.clock,
    )
    return await rounds.play()


async def test_direct_agrees_with_itself() -> None:
    run = await played({})

    assert controls.same(run.blocks, "again").passed
    assert "us per token" in controls.visible(run.blocks, "again")
    assert controls.pacing(run.blocks).passed
    assert controls.undisturbed(run).passed
    assert "0 of 16 blocks disturbed" in controls.undisturbed(run).detail


async def test_an_instrument_that_favours_one_side_is_found_out() -> None:
    run = await played({"again": Cost(token_us=80, request_us=200)})

    assert not controls.same(run.blocks, "again").passed


def test_too_few_rounds_prove_no_agreement() -> None:
    assert not controls.same([], "again").passed
    assert controls.visible([], "again") == ""


def test_late_sends_fail() -> None:
    assert not controls.pacing(rows("direct", {"send_lag_p99_ms": 2.5})).passed
    assert not controls.pacing([]).passed


def test_the_ceiling_is_chunks_by_the_clients_own_time() -> None:
    seen = trial(schedule(10, 20), Cost(), random.Random(1))  # 200 chunks in 20 ms of CPU

    assert controls.ceiling([seen]) == pytest.approx(10_000)
    assert controls.ceiling([]) is None
    assert not controls.capable(10_000).passed
    assert controls.capable(40_000).passed
    assert not controls.capable(None).passed
