"""Comparing arms inside rounds."""

import pytest

from benchmarks.measure.paired import differences, ratios, spread, without_requests


def test_a_disturbed_round_disturbs_no_ratio() -> None:
    mine, other = [10.0, 10.0, 50.0], [5.0, 5.0, 25.0]

    assert ratios(mine, other) == [2.0, 2.0, 2.0]


def test_a_round_with_one_side_missing_is_left_out() -> None:
    assert ratios([1.0, None, 3.0], [2.0, 2.0, None]) == [0.5]
    assert differences([1.0, None], [0.5, 1.0]) == [0.5, None]


def test_a_ratio_to_nothing_is_left_out() -> None:
    assert ratios([1.0, 2.0], [0.0, 1.0]) == [2.0]


def test_rounds_of_different_length_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="longer"):
        ratios([1.0], [1.0, 2.0])


def test_spread_is_the_median_between_quartiles() -> None:
    found = spread([5.0, 1.0, None, 3.0, 2.0, 4.0])

    assert found is not None
    assert (found.n, found.low, found.median, found.high) == (5, 2.0, 3.0, 4.0)
    assert spread([None]) is None


def test_a_chunk_is_not_charged_for_its_request() -> None:
    cost = without_requests(stream_us=1100, requests=10, chunks=100, request_us=10.0)

    assert cost == 10.0


def test_without_a_request_cost_there_is_no_chunk_cost() -> None:
    assert without_requests(stream_us=1, requests=1, chunks=1, request_us=None) is None
    assert without_requests(stream_us=1, requests=1, chunks=0, request_us=1.0) is None
