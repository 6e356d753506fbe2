"""Two runs: changes beyond chance, and those that are not."""

import random

import pytest

from benchmarks.report.compare import (
    CompareError,
    Verdict,
    changes,
    difference,
    remarks,
    values,
)
from benchmarks.report.record import Arm, Block, Effect, Record
from tests.fixtures.bench import records


def run(token: float, *, seed: int, spread: float = 5.0, direct: float = 130.0) -> Record:
    """Return a run in which headrace adds `token` us to a direct that drifts by the round."""
    luck = random.Random(seed)
    blocks = []
    for turn in range(12):
        base = direct + 40 * turn
        for arm, added in (("direct", 0.0), ("headrace", token + luck.gauss(0, spread))):
            figures: dict[str, float | None] = {"token_p50_us": base + added}
            if arm == "headrace":
                figures["cpu_ms_per_1k_tokens"] = token / 10 + luck.gauss(0, 0.1)
            blocks.append(Block(round=turn, arm=arm, figures=figures))
    return Record(
        command="overhead",
        arms=[Arm(name="direct", role="direct"), Arm(name="headrace", role="proxy")],
        blocks=blocks,
        effects=[
            Effect(
                figure="token_p50_us",
                arm="headrace",
                direct=direct,
                value=direct + token,
                added=token,
                low=token - 5,
                high=token + 5,
                resolution=8.0,
            )
        ],
    )


def verdicts(before: Record, after: Record) -> dict[str, Verdict]:
    return {one.figure: one.verdict for one in changes(before, after)}


def test_a_dearer_proxy_is_worse_and_the_other_way_round_improved() -> None:
    cheap, dear = run(150, seed=1), run(200, seed=2)

    assert verdicts(cheap, dear) == {
        "token_p50_us": Verdict.WORSE,
        "cpu_ms_per_1k_tokens": Verdict.WORSE,
    }
    assert set(verdicts(dear, cheap).values()) == {Verdict.IMPROVED}


def test_the_same_proxy_cannot_be_told_apart() -> None:
    found = verdicts(run(150, seed=1), run(150, seed=2))

    assert found["token_p50_us"] is Verdict.UNCLEAR


def test_a_machine_that_was_slower_cancels() -> None:
    found = changes(run(150, seed=1), run(150, seed=2, direct=400.0))

    assert next(one for one in found if one.figure == "token_p50_us").verdict is Verdict.UNCLEAR


def test_a_difference_within_the_resolution_proves_nothing() -> None:
    found = changes(run(150, seed=1, spread=0.5), run(156, seed=2, spread=0.5))
    token = next(one for one in found if one.figure == "token_p50_us")

    assert token.low is not None
    assert token.low > 0
    assert token.verdict is Verdict.UNCLEAR


def test_rejected_blocks_count_nowhere() -> None:
    record = run(150, seed=1)
    spoiled = [
        Block(round=b.round, arm=b.arm, rejected="noise", figures={"token_p50_us": 1e9})
        for b in record.blocks
    ]
    record.blocks += spoiled

    assert max(values(record, "headrace", "token_p50_us")[0]) < 1000


def test_cpu_is_compared_to_the_floor_too_where_both_have_one() -> None:
    pair = (records.overhead(rounds=8), records.overhead(rounds=8, seed=2))
    found = [one for one in changes(*pair) if one.to_floor]

    assert [one.figure for one in found] == ["cpu_ms_per_1k_tokens", "cpu_us_per_request"]
    assert 1.0 < found[0].before < 1.5


def test_single_runs_have_no_interval_and_no_verdict() -> None:
    found = changes(records.endpoint(), records.endpoint({"ttft_p50_ms": 999.0}))

    assert {one.verdict for one in found} == {Verdict.UNCLEAR}
    assert all(one.low is None for one in found)


def test_too_few_rounds_give_no_interval() -> None:
    assert difference([1.0] * 5, [2.0] * 50) is None
    assert difference([1.0] * 6, [2.0] * 6) == (1.0, 1.0)


def test_different_commands_and_arms_are_refused() -> None:
    other = run(150, seed=1)
    other.arms = [Arm(name="direct", role="direct"), Arm(name="nginx", role="proxy")]

    with pytest.raises(CompareError, match="one is a result of `overhead`, the other of `run`"):
        changes(run(150, seed=1), records.endpoint())
    with pytest.raises(CompareError, match="no arm stands in both: headrace in the first, nginx"):
        changes(run(150, seed=1), other)


def test_another_machine_and_another_load_are_remarked() -> None:
    before, after = records.overhead(rounds=8), records.overhead(rounds=8)
    after.facts["cpu"], after.workload, after.verdict = "Other", "other", "unresolved"

    told = remarks(before, after)

    assert told[0] == "cpu differs: Synthetic CPU @ 2.00GHz, then Other"
    assert told[1].startswith("workload differs: ")
    assert told[2] == "the second run is unresolved"
