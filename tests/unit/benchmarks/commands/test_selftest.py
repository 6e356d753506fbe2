"""The command `selftest`: its verdict is that on the instrument, from made rounds."""

import random

import pytest

from benchmarks.commands.selftest import (
    BRIEF,
    BURNING,
    DELAY_MS,
    DELAYED,
    Options,
    judged,
)
from benchmarks.load.observed import Trial
from benchmarks.method.blocks import BURNED
from benchmarks.method.rounds import Design, Played, Rounds
from tests.fixtures.trials import Cost, Instrument, lane, schedule, trial

FLOOR = Cost(token_us=50, cpu_us_per_token=12)
SOUND = {
    "floor": FLOOR,
    DELAYED: Cost(token_us=50 + DELAY_MS * 1000, cpu_us_per_token=20),
    BRIEF: Cost(token_us=100, cpu_us_per_token=70),
    BURNING: Cost(token_us=300, cpu_us_per_token=270),
}
BURNS = {BRIEF: 50.0, BURNING: 250.0}


async def played(costs: dict[str, Cost]) -> Played:
    instrument = Instrument(costs)
    arms = [lane("direct", "direct"), lane("again", "again"), lane("floor", "floor")]
    arms += [lane(DELAYED, "delay"), lane(BRIEF, "delay"), lane(BURNING, "delay")]
    run = await Rounds(
        arms,
        instrument,
        lambda _turn: schedule(24, 6),
        Design(rounds=8, max_time=999),
        clock=instrument.clock,
    ).play()
    for row in run.blocks:
        if row.arm in BURNS:
            row.figures[BURNED] = BURNS[row.arm]
    return run


def crowd(chunks: int = 4000) -> list[Trial]:
    return [trial(schedule(20, chunks // 20), Cost(), random.Random(1))]


async def test_a_sound_instrument_passes_everything() -> None:
    record = judged(await played(SOUND), crowd(), Options(), started="now")

    assert [check.name for check in record.checks if not check.passed] == []
    assert record.verdict == "valid"
    assert record.command == "selftest"
    assert record.figures["client"]["ceiling_chunks_per_s"] == pytest.approx(200_000)
    assert any("a difference can be seen from" in note for note in record.notes)


@pytest.mark.parametrize(
    ("arm", "cost", "failed"),
    [
        (DELAYED, Cost(token_us=5_000, cpu_us_per_token=20), "a delay of 20 ms is found"),
        (BURNING, Cost(cpu_us_per_token=170), "200 us of CPU a chunk are found"),
        ("again", Cost(token_us=90, request_us=200), "the same gives the same"),
    ],
)
async def test_an_instrument_that_errs_is_found_out(arm: str, cost: Cost, failed: str) -> None:
    record = judged(await played(SOUND | {arm: cost}), crowd(), Options(), started="now")

    assert [check.name for check in record.checks if not check.passed] == [failed]
    assert record.verdict == "invalid"


async def test_a_slow_client_is_found_out() -> None:
    record = judged(await played(SOUND), crowd(200), Options(), started="now")

    assert [c.name for c in record.checks if not c.passed] == ["the client is fast enough"]


async def test_only_what_has_a_known_truth_is_shown() -> None:
    record = judged(await played(SOUND), crowd(), Options(), started="now")

    assert {effect.arm for effect in record.effects} == {"again", DELAYED, BRIEF, BURNING}
    assert {e.figure for e in record.effects if e.arm == BURNING} == {"cpu_ms_per_1k_tokens"}
