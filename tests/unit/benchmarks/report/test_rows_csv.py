"""Every figure as a line of CSV."""

import csv
import io

from benchmarks.report.rows_csv import HEADS, as_csv
from tests.fixtures.bench import records


def test_blocks_runs_and_effects_are_told_apart_and_lose_no_digit() -> None:
    record = records.overhead(rounds=8)
    rows = list(csv.DictReader(io.StringIO(as_csv(record))))

    assert tuple(rows[0]) == HEADS
    assert {row["scope"] for row in rows} == {"block", "run", "effect"}
    block = next(block for block in record.blocks if block.arm == "headrace")
    found = next(
        row["value"]
        for row in rows
        if (row["scope"], row["arm"], row["round"], row["figure"])
        == ("block", "headrace", str(block.round), "token_p50_us")
    )
    assert float(found) == block.figures["token_p50_us"]


def test_an_effect_has_its_interval_and_a_missing_value_is_empty() -> None:
    record = records.overhead(rounds=8)
    rows = list(csv.DictReader(io.StringIO(as_csv(record))))

    effect = next(r for r in rows if r["scope"] == "effect" and r["figure"] == "token_p50_us")
    assert float(effect["low"]) <= float(effect["value"]) <= float(effect["high"])
    empty = next(r for r in rows if r["arm"] == "direct" and r["figure"] == "cpu_ms_per_1k_tokens")
    assert empty["value"] == ""
