"""Rounds: drawn order, one schedule for all arms, repeats of disturbed blocks, and when to stop."""

import asyncio
from collections import Counter

import pytest

from benchmarks.load.planned import Schedule
from benchmarks.measure.bootstrap import FEWEST
from benchmarks.method.blocks import Measured
from benchmarks.method.effects import added
from benchmarks.method.lanes import Lane
from benchmarks.method.rounds import Design, Played, Rounds, Step
from tests.fixtures.trials import Cost, Instrument, lanes, schedule

ARMS = ("direct", "again", "mine")
COSTS = {"mine": Cost(token_us=200, cpu_us_per_token=20)}


async def play(
    instrument: Instrument, design: Design, steps: list[Step] | None = None
) -> tuple[Played, list[int]]:
    drawn: list[int] = []

    def of_round(turn: int) -> Schedule:
        drawn.append(turn)
        return schedule(requests=8, tokens=4)

    told = steps if steps is not None else []
    rounds = Rounds(
        lanes(*ARMS), instrument, of_round, design, tell=told.append, clock=instrument.clock
    )
    return await rounds.play(), drawn


async def test_each_round_has_every_arm_once_and_one_schedule() -> None:
    instrument = Instrument(COSTS)

    played, drawn = await play(instrument, Design(rounds=7, max_time=999))

    counts = Counter(instrument.order)
    assert set(counts.values()) == {1}
    assert {turn for turn, _ in counts} == set(range(8))
    assert drawn[-7:] == list(range(1, 8))
    assert len(played.blocks) == 21
    assert played.ended == "all 7 rounds"


async def test_the_order_is_drawn_and_the_seed_decides() -> None:
    orders = []
    for seed in (1, 1, 2):
        instrument = Instrument(COSTS)
        await play(instrument, Design(rounds=8, max_time=999, seed=seed))
        orders.append(instrument.order)

    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    firsts = {name for turn, name in orders[0][::3]}
    assert len(firsts) > 1


async def test_blocks_before_the_first_round_count_nowhere() -> None:
    played, _ = await play(Instrument(COSTS), Design(rounds=6, max_time=999))

    assert min(row.round for row in played.blocks) == 1


async def test_a_disturbed_block_is_repeated_at_once() -> None:
    instrument = Instrument(COSTS)
    instrument.disturbed = [(2, "mine")]

    played, _ = await play(instrument, Design(rounds=6, max_time=999))

    again = [i for i, one in enumerate(instrument.order) if one == (2, "mine")]
    assert again[1] == again[0] + 1
    assert instrument.seeds[again[0]] != instrument.seeds[again[1]]
    assert played.repeats == 1
    assert len(played.counted("mine")) == 6
    rejected = [row.rejected for row in played.blocks if row.rejected]
    assert rejected == ["client or engines waited for a CPU 20.0% of the time"]


async def test_a_block_that_stays_disturbed_is_given_up() -> None:
    instrument = Instrument(COSTS)
    instrument.disturbed = [(3, "mine")] * 9

    played, _ = await play(instrument, Design(rounds=6, max_time=999, repeats=3))

    assert instrument.order.count((3, "mine")) == 4
    assert {one.round for one in played.counted("mine")} == {1, 2, 4, 5, 6, 7}
    assert played.ended == "all 7 rounds"


async def test_rounds_are_added_for_lost_pairs_but_not_for_ever() -> None:
    instrument = Instrument(COSTS)
    instrument.disturbed = [(turn, "mine") for turn in range(1, 30)]
    instrument.worse = 9.0

    played, _ = await play(instrument, Design(rounds=8, max_time=999, repeats=0))

    assert played.ended == "all 11 rounds"


async def test_where_noise_is_the_rule_repeats_end() -> None:
    instrument = Instrument(COSTS)
    instrument.disturbed = [(turn, name) for turn in range(1, 7) for name in ARMS] * 4
    instrument.worse = 5.0

    played, _ = await play(instrument, Design(rounds=6, max_time=999, repeated_share=0.25))

    assert played.repeats == 4


async def test_it_stops_when_the_interval_is_narrow_enough() -> None:
    played, _ = await play(Instrument(COSTS), Design(rounds=50, max_time=999, precision_us=80))

    assert "as precise as asked for" in played.ended
    assert FEWEST <= max(row.round for row in played.blocks) < 50
    assert (played.widest() or 0) <= 80


async def test_it_stops_before_the_time_is_over() -> None:
    instrument = Instrument(COSTS)

    played, _ = await play(instrument, Design(rounds=50, max_time=26))

    assert played.ended == "the time was up after 8 rounds"


async def test_noise_is_given_a_little_more_time() -> None:
    instrument = Instrument(COSTS)
    instrument.disturbed = [(2, "mine"), (3, "mine")]

    played, _ = await play(instrument, Design(rounds=50, max_time=20, repeats=0))

    assert played.ended == "the time was up after 8 rounds"
    assert played.pairs() == FEWEST


async def test_a_time_too_short_for_an_interval_is_told_at_once() -> None:
    played, _ = await play(Instrument(COSTS), Design(rounds=50, max_time=1))

    assert played.blocks == []
    assert "6 rounds, which an interval needs, take over 3 s" in played.problem
    assert "--max-time is 1 s" in played.problem


async def stuck(at: tuple[int, str], design: Design, *, late: int = -1) -> Played:
    """Play with one block that never ends; in round `late` the time is nearly up."""
    instrument = Instrument(COSTS)
    instrument.block_ns = 1_000_000

    async def measure(one: Lane, plan: Schedule, turn: int) -> Measured:
        if (turn, one.name) == at:
            await asyncio.sleep(3600)
        found = await instrument(one, plan, turn)
        instrument.now_ns = max(instrument.now_ns, 9_990_000_000 * (turn == late))
        return found

    rounds = Rounds(
        lanes(*ARMS),
        measure,
        lambda _turn: schedule(requests=1, tokens=4),
        design,
        clock=instrument.clock,
    )
    return await asyncio.wait_for(rounds.play(), 5)


async def test_a_block_that_never_ends_is_given_up_when_the_time_is() -> None:
    played = await stuck((0, "mine"), Design(rounds=50, max_time=0.08))

    assert played.problem == (
        "a block of mine had not ended when the time was up (others took 0.02 to 0.02 s): "
        "the load is too much for it, or --max-time too short"
    )


async def test_a_time_that_ends_in_an_early_round_is_told_from_a_block_that_is_stuck() -> None:
    played = await stuck((1, "mine"), Design(rounds=50, max_time=8.0, seed=3), late=1)

    assert played.problem.startswith("the time was up after 0 good rounds, and an interval needs 6")


async def test_a_block_cut_late_leaves_what_was_measured() -> None:
    played = await stuck((8, "mine"), Design(rounds=50, max_time=8.0, seed=2), late=8)

    assert played.problem == ""
    assert played.pairs() >= FEWEST


async def test_a_load_the_engines_cannot_take_ends_the_run() -> None:
    instrument = Instrument(COSTS)

    async def measure(one: Lane, plan: Schedule, turn: int) -> Measured:
        found = await instrument(one, plan, turn)
        for seen in found.trial.observed:
            seen.ended_ns += seen.intended_ns
        return found

    rounds = Rounds(
        lanes(*ARMS),
        measure,
        lambda _turn: schedule(requests=40, tokens=2),
        Design(rounds=50, max_time=999),
        clock=instrument.clock,
    )

    played = await rounds.play()

    assert "without any proxy: 50 requests a second were sent and about 2" in played.problem
    assert len(instrument.order) <= 3


async def test_it_tells_what_is_known_so_far() -> None:
    steps: list[Step] = []

    await play(Instrument(COSTS), Design(rounds=6, max_time=999), steps)

    assert len(steps) == 18
    assert steps[3].effect is None
    assert steps[-1].first == "mine"
    assert steps[-1].effect == pytest.approx(200, rel=0.3)
    assert steps[-1].done == 18
    assert steps[-1].seconds_left == 0


@pytest.mark.slow
async def test_direct_against_itself_holds_zero_in_18_of_20_seeds() -> None:
    held = 0
    for seed in range(20):
        instrument = Instrument({}, seed=seed)
        played = await Rounds(
            lanes("direct", "again"),
            instrument,
            lambda _turn: schedule(requests=12, tokens=8),
            Design(rounds=12, max_time=999, seed=seed),
            clock=instrument.clock,
        ).play()
        found = added(played.blocks, "again", "token_p50_us", seed=seed)
        assert found is not None
        held += found.holds(0.0)

    assert held >= 18


async def test_noise_that_stays_becomes_the_usual() -> None:
    instrument = Instrument(COSTS)
    instrument.disturbed = [(turn, name) for turn in range(1, 20) for name in ARMS]

    played, _ = await play(instrument, Design(rounds=19, max_time=9999, repeats=0))

    late = [row for row in played.blocks if row.round > 6]
    assert [row.rejected for row in played.blocks if row.round == 1] != ["", "", ""]
    assert not any(row.rejected for row in late)
