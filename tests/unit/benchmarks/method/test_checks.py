"""Verdicts: what makes a run invalid, and what leaves it unresolved."""

import msgspec
import pytest

from benchmarks.method.checks import INVALID, UNRESOLVED, VALID, Ruling, rule
from benchmarks.method.effects import effects
from benchmarks.method.lanes import Lane
from benchmarks.method.rounds import Design, Played, Rounds
from tests.fixtures.trials import Cost, Instrument, lanes, schedule

SOUND = {"mine": Cost(request_us=500, token_us=200, cpu_us_per_token=25)}


async def played(
    costs: dict[str, Cost], *, rounds: int = 8, disturbed: tuple[tuple[int, str], ...] = ()
) -> Played:
    instrument = Instrument(costs)
    instrument.disturbed, instrument.worse = list(disturbed), 5.0
    return await Rounds(
        lanes("direct", "again", "mine"),
        instrument,
        lambda _turn: schedule(24, 6),
        Design(rounds=rounds, max_time=9999, repeats=0),
        clock=instrument.clock,
    ).play()


def ruled(run: Played) -> Ruling:
    arms = [lane.arm for lane in run.lanes]
    return rule(run, effects(run.blocks, arms))


def failed(ruling: Ruling) -> list[str]:
    return [check.name for check in ruling.checks if not check.passed]


async def test_a_sound_run_is_valid() -> None:
    ruling = ruled(await played(SOUND))

    assert ruling.verdict == VALID
    assert failed(ruling) == []


async def test_a_difference_too_small_is_unresolved() -> None:
    ruling = ruled(await played({}))

    assert ruling.verdict == UNRESOLVED
    assert failed(ruling) == ["the difference can be seen"]


async def test_too_few_rounds_are_invalid() -> None:
    ruling = ruled(await played(SOUND, rounds=5))

    assert ruling.verdict == INVALID
    detail = next(check.detail for check in ruling.checks if check.name == "enough rounds")
    assert "mine has 5" in detail


async def test_failed_requests_are_invalid() -> None:
    ruling = ruled(await played({"mine": Cost(token_us=200, failing=2)}))

    assert ruling.verdict == INVALID
    detail = next(check.detail for check in ruling.checks if check.name == "requests answered")
    assert detail == "mine: 16 of 192, the first: closed before the answer"


async def test_a_noisy_machine_is_invalid() -> None:
    run = await played(SOUND, rounds=20)
    run.blocks = [
        msgspec.structs.replace(row, rejected="noise" if row.round > 9 else "")
        for row in run.blocks
    ]

    ruling = ruled(run)

    assert ruling.verdict == INVALID
    assert failed(ruling) == ["the machine was calm enough"]
    detail = next(check.detail for check in ruling.checks if "calm" in check.name)
    assert detail == "33 of 60 blocks were disturbed by other work"


async def test_a_busy_client_is_invalid() -> None:
    run = await played(SOUND)
    for one in run.measured:
        one.figures["client_cpu_share"] = 0.9

    assert failed(ruled(run)) == ["the client kept up"]
    assert ruled(run).verdict == INVALID


async def test_answers_without_tokens_are_invalid() -> None:
    run = await played(SOUND)
    for block in run.counted("mine"):
        for one in block.trial.observed:
            one.chunks, one.tokens_out = 0, 0

    assert failed(ruled(run)) == ["answers hold tokens"]


async def test_lost_tokens_are_told_and_leave_the_run_valid() -> None:
    ruling = ruled(await played({"mine": Cost(token_us=200, request_us=500, lost=1)}))

    assert ruling.verdict == VALID
    assert failed(ruling) == ["streams arrived whole"]
    assert ruling.checks[-1].detail == "mine: 192 tokens lost, 0 twice"


async def test_direct_that_differs_from_itself_is_unresolved() -> None:
    ruling = ruled(await played(SOUND | {"again": Cost(token_us=150, request_us=400)}))

    assert ruling.verdict == UNRESOLVED
    assert "the same gives the same" in failed(ruling)


async def test_without_stamps_the_users_time_decides() -> None:
    costs = {
        "direct": Cost(stamped=False),
        "again": Cost(stamped=False),
        "mine": Cost(stamped=False, request_us=900),
    }

    assert ruled(await played(costs)).verdict == VALID


async def test_without_a_second_direct_nothing_is_said_of_it() -> None:
    run = await played(SOUND)
    only: tuple[Lane, ...] = tuple(one for one in run.lanes if one.name != "again")
    short = msgspec.structs.replace(run, lanes=only)

    assert "the same gives the same" not in [check.name for check in ruled(short).checks]


@pytest.mark.parametrize("missing", ["direct", "mine"])
async def test_an_arm_without_blocks_is_invalid(missing: str) -> None:
    noise = tuple((turn, missing) for turn in range(1, 9))

    assert ruled(await played(SOUND, disturbed=noise)).verdict == INVALID
