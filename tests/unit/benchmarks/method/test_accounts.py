"""A whole run on made trials: a known cost is found again, and none where there is none."""

import pytest

from benchmarks.measure import hdr
from benchmarks.method.accounts import Circumstances, account, started_now, workload
from benchmarks.method.rounds import Design, Rounds
from benchmarks.report.effects import Standing, effect_of, standing
from benchmarks.report.record import Record
from tests.fixtures.trials import Cost, Instrument, lanes, schedule

KNOWN = {
    "mine": Cost(request_us=500, token_us=200, cpu_us_per_token=25),
    "floor": Cost(request_us=100, token_us=50, cpu_us_per_token=12),
}


async def run(costs: dict[str, Cost], *, seed: int = 0, rounds: int = 12) -> Record:
    instrument = Instrument(costs, seed=seed)
    played = await Rounds(
        lanes("direct", "again", "mine", "floor"),
        instrument,
        lambda _turn: schedule(24, 12),
        Design(rounds=rounds, max_time=9999, seed=seed),
        clock=instrument.clock,
    ).play()
    about = Circumstances(command="overhead", seed=seed, facts={"pinned": "nothing"}, notes=("n",))
    return account(played, about, started=started_now())


async def test_a_known_cost_is_found_again() -> None:
    record = await run(KNOWN)

    token = effect_of(record, "mine", "token_p50_us")
    first = effect_of(record, "mine", "first_token_p50_ms")
    cpu = effect_of(record, "mine", "cpu_ms_per_1k_tokens")
    assert token is not None
    assert first is not None
    assert cpu is not None
    assert token.added == pytest.approx(200, rel=0.05)
    assert first.added == pytest.approx(0.7, rel=0.05)
    assert cpu.value == pytest.approx(25, rel=0.05)
    assert (token.low or 0) < 200 < (token.high or 0)
    assert token.floor == pytest.approx(50, rel=0.2)
    assert record.verdict == "valid"


async def test_where_nothing_is_added_nothing_is_claimed() -> None:
    record = await run({"mine": Cost(cpu_us_per_token=20)})

    token = effect_of(record, "mine", "token_p50_us")
    assert token is not None
    assert standing(token) is Standing.UNSEEN
    assert record.verdict == "unresolved"
    assert any("below what this run can see" in check.detail for check in record.checks)


async def test_the_record_holds_what_others_need_to_compute_it_again() -> None:
    record = await run(KNOWN, rounds=6)

    assert len(record.blocks) == 24
    assert {block.arm for block in record.blocks} == {"direct", "again", "mine", "floor"}
    assert hdr.decode(record.histograms["mine"]["token"]).get_total_count() == 6 * 24 * 12
    assert len(record.series["interference"]["waited"]) == 24
    assert record.figures["mine"]["failures"] == 0
    assert record.facts["pinned"] == "nothing"
    assert record.notes[-1] == "n"


def test_a_workload_is_told_by_its_size() -> None:
    assert workload(schedule(30)) == "30 requests in 0.6 s: evenly spaced"


async def test_an_invalid_run_has_no_figures_beyond_its_blocks() -> None:
    record = await run({"mine": Cost(token_us=200, failing=5)}, rounds=6)

    assert record.verdict == "invalid"
    assert (record.effects, record.figures, record.histograms) == ([], {}, {})
    assert len(record.blocks) == 24
