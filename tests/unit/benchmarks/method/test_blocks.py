"""Blocks: rows of the record, and texts that differ between arms; tests/wire runs one."""

from benchmarks.method.blocks import seed_of
from tests.fixtures.trials import Cost, Instrument, lane, schedule


async def test_a_block_becomes_a_row() -> None:
    instrument = Instrument({"mine": Cost(failing=1, cpu_us_per_token=10)})

    one = await instrument(lane("mine", "proxy"), schedule(4, 3), 2)
    row = one.row(0, rejected="disturbed")

    assert (row.round, row.arm, row.rejected) == (2, "mine", "disturbed")
    assert (row.requests, row.failures, row.tokens) == (4, 1, 12)
    assert row.began_s == 1.0
    assert row.figures["rss_mib"] == 50


async def test_the_worse_of_client_and_engines_counts() -> None:
    one = await Instrument({})(lane("direct", "direct"), schedule(4, 3), 1)

    assert one.waited() == 0.001
    assert one.lag_ms() < 0.1


def test_no_two_blocks_send_the_same_texts() -> None:
    seeds = {
        seed_of(seed, turn, arm) for seed in (1, 2) for turn in (1, 2) for arm in ("direct", "mine")
    }

    assert len(seeds) == 8
    assert seed_of(1, 2, "mine") == seed_of(1, 2, "mine")
