"""Effects: paired inside rounds, with interval, resolution and floor."""

import pytest

from benchmarks.method.effects import added, by_round, differences, effects, overall, own, pairs
from benchmarks.method.figures import Figures
from benchmarks.report.record import Arm, Block, Effect

ARMS = [
    Arm(name="direct", role="direct"),
    Arm(name="again", role="again"),
    Arm(name="mine", role="proxy"),
    Arm(name="floor", role="floor"),
]
DRIFT = [0.0, 100.0, 50.0, 400.0, 10.0, 0.0, 70.0, 30.0]


def rows(**values: list[float | None]) -> list[Block]:
    """Return blocks with one figure; None: the block was rejected."""
    made = []
    for arm, series in values.items():
        for turn, value in enumerate(series, start=1):
            figures: Figures = {"token_p50_us": value, "cpu_ms_per_1k_tokens": None}
            if arm in {"mine", "floor"} and value is not None:
                figures["cpu_ms_per_1k_tokens"] = 20.0 if arm == "mine" else 12.0
            made.append(
                Block(
                    round=turn,
                    arm=arm,
                    rejected="" if value is not None else "disturbed",
                    requests=5,
                    failures=1,
                    tokens=50,
                    figures=figures | {"lost": 2.0},
                )
            )
    return made


def shifted(by: float) -> list[float | None]:
    return [200 + drift + by for drift in DRIFT]


def effect(found: list[Effect], arm: str, figure: str) -> Effect:
    (one,) = [one for one in found if one.arm == arm and one.figure == figure]
    return one


def test_what_all_arms_share_cancels() -> None:
    blocks = rows(direct=shifted(0), mine=shifted(150))

    found = added(blocks, "mine", "token_p50_us")

    assert found is not None
    assert (found.low, found.median, found.high) == (150, 150, 150)


def test_a_round_with_one_side_rejected_is_no_pair() -> None:
    mine = shifted(150)
    mine[2] = None

    assert len(pairs(rows(direct=shifted(0), mine=mine), "mine", "direct", "token_p50_us")) == 7
    assert 3 not in by_round(rows(mine=mine), "mine", "token_p50_us")


def test_an_effect_has_resolution_and_floor() -> None:
    blocks = rows(direct=shifted(0), again=shifted(-8), mine=shifted(150), floor=shifted(90))

    found = effect(effects(blocks, ARMS), "mine", "token_p50_us")

    assert found.direct == pytest.approx(240)
    assert found.value == pytest.approx(390)
    assert (found.added, found.resolution, found.floor) == (150, 8, 90)
    assert found.rounds == len(DRIFT)


def test_cpu_is_the_arms_own() -> None:
    found = effect(
        effects(rows(direct=shifted(0), mine=shifted(1), floor=shifted(1)), ARMS),
        "mine",
        "cpu_ms_per_1k_tokens",
    )

    assert found.direct is None
    assert (found.value, found.low, found.high, found.floor) == (20, 20, 20, 12)


def test_too_few_rounds_give_values_and_no_difference() -> None:
    blocks = rows(direct=shifted(0)[:4], mine=shifted(150)[:4])

    found = effect(effects(blocks, ARMS), "mine", "token_p50_us")

    assert found.value is not None
    assert (found.added, found.low, found.high) == (None, None, None)


def test_a_figure_nobody_measured_is_no_effect() -> None:
    found = effects(rows(direct=shifted(0), mine=shifted(1)), ARMS)

    assert {one.figure for one in found} == {"token_p50_us", "cpu_ms_per_1k_tokens"}


def test_without_direct_nothing_is_added() -> None:
    assert differences(rows(mine=shifted(1)), "mine", "direct", "token_p50_us") == []
    assert [one.figure for one in effects(rows(mine=shifted(1)), ARMS[2:])] == [
        "cpu_ms_per_1k_tokens"
    ]


def test_figures_over_the_run_are_medians_and_counts_are_sums() -> None:
    mine = shifted(0)
    mine[3] = None

    found = overall(rows(mine=mine), ARMS)["mine"]

    assert found["token_p50_us"] == 230
    assert (found["requests"], found["failures"], found["tokens"], found["lost"]) == (
        35,
        7,
        350,
        14,
    )


def test_an_arms_own_value_has_an_interval() -> None:
    found = own(rows(mine=shifted(0)), "mine", "token_p50_us")

    assert found is not None
    assert found.low <= 240 <= found.high
