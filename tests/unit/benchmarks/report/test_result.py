"""The record of a run."""

import msgspec

from benchmarks.report.result import Result


def test_values_are_kept_by_metric_arm_and_round() -> None:
    result = Result()
    result.record("small.cpu", "nginx", [1.0])
    result.record("small.cpu", "nginx", [None])

    assert result.of("small.cpu", "nginx") == [1.0, None]
    assert result.of("small.cpu", "envoy") == []


def test_a_run_can_be_read_back() -> None:
    result = Result(arms=["direct"], facts={"cores": "2"})
    result.record("one.p50", "direct", [0.5])

    assert msgspec.json.decode(result.encoded(), type=Result) == result
