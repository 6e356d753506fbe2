"""Distributions of a run: every value of the blocks that count."""

import random

from benchmarks.measure import hdr
from benchmarks.method.distributions import histograms, of_trials
from tests.fixtures.trials import Cost, Instrument, lane, schedule, trial


async def test_values_of_all_blocks_are_pooled() -> None:
    measure = Instrument({})
    blocks = [await measure(lane("direct", "direct"), schedule(5, 4), turn) for turn in (1, 2)]

    found = histograms(blocks)

    counts = {kind: hdr.decode(blob).get_total_count() for kind, blob in found.items()}
    assert counts == {
        "first_token": 10,
        "token": 40,
        "ttft": 10,
        "itl": 30,
        "e2e": 10,
        "request_path": 10,
        "send_lag": 10,
    }


def test_values_are_microseconds() -> None:
    seen = trial(schedule(40, 3), Cost(), random.Random(3))

    found = hdr.decode(of_trials([seen])["token"])

    assert 80 < found.get_value_at_percentile(50) < 120


def test_failed_requests_and_missing_stamps_count_nowhere() -> None:
    seen = trial(schedule(5, 3), Cost(failing=2, stamped=False), random.Random(3))

    found = of_trials([seen])

    assert "token" not in found
    assert hdr.decode(found["ttft"]).get_total_count() == 3
