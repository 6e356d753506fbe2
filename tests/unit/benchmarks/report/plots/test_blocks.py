"""Pairs of blocks, and CPU against throughput."""

from benchmarks.report.plots.blocks import cpu, pairs, slopes
from benchmarks.report.record import Arm, Block, Record


def run() -> Record:
    blocks = []
    for turn in range(3):
        for arm, late in (("direct", 100.0), ("headrace", 150.0 + turn)):
            figures: dict[str, float | None] = {"token_p50_us": late, "tokens_per_s": 1000.0}
            figures["cpu_ms_per_1k_tokens"] = 20.0 if arm == "headrace" else None
            blocks.append(Block(round=turn, arm=arm, figures=figures))
    blocks.append(Block(round=3, arm="headrace", figures={"token_p50_us": 9e9}))
    blocks.append(Block(round=2, arm="headrace", rejected="n", figures={"token_p50_us": 9e9}))
    return Record(
        command="overhead",
        arms=[Arm(name="direct", role="direct"), Arm(name="headrace", role="proxy")],
        blocks=blocks,
    )


def test_a_pair_needs_both_sides_of_a_round_and_no_rejected_block() -> None:
    assert pairs(run(), "headrace", "direct", "token_p50_us") == [
        (0, 100.0, 150.0),
        (1, 100.0, 151.0),
        (2, 100.0, 152.0),
    ]


def test_slopes_draw_a_line_a_pair() -> None:
    assert slopes(run()).svg.count("l thin") == 3
    assert slopes(run()).rows[0] == ("headrace", "0", "100 us", "150 us", "+50 us")


def test_cpu_is_cores_in_use_and_what_one_core_carries() -> None:
    assert cpu(run()).rows == (("headrace", "20.0 ms", "50,000", "1,000"),)
