"""Slices put together again: each at its place, only blocks that count."""

import pytest

from benchmarks.method.passage import Slice, series
from benchmarks.method.rounds import Design, Rounds
from tests.fixtures.trials import Cost, Instrument, lanes, schedule


async def test_each_arm_has_the_whole_trace_and_how_late_its_tokens_were() -> None:
    instrument = Instrument({"mine": Cost(token_us=5000)})
    played = await Rounds(
        lanes("direct", "mine"),
        instrument,
        lambda _turn: schedule(requests=10, tokens=5),
        Design(rounds=6, max_time=999),
        clock=instrument.clock,
    ).play()
    places = {
        turn: Slice(begins=(turn - 1) * 0.2, span=0.2) for turn in range(1, played.rounds + 1)
    }

    found = series(played, places, step=0.1)

    assert found.keys() == {"timeline:direct", "timeline:mine"}
    mine, direct = found["timeline:mine"], found["timeline:direct"]
    assert sum(mine["arrivals_per_s"]) * 0.1 == pytest.approx(60)
    assert mine["at_s"][0] == 0.0
    assert 1.2 <= mine["at_s"][-1] <= 1.4
    assert min(mine["token_p99_us"][:12]) > 4 * max(direct["token_p99_us"])
