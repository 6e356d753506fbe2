"""The weight of a stream from the steps; tests/wire holds some."""

import pytest

from benchmarks.method.holding import Weight, weigh
from tests.fixtures.trials import lanes


def test_a_stream_weighs_the_slope_and_what_is_left_after_does_not_count() -> None:
    weight = Weight(
        open_streams=[0.0, 250.0, 500.0, 0.0],
        rss_mib=[50.0, 55.0, 60.0, 58.0],
        closed=[0.0, 0.0, 0.0, 1.0],
    )

    assert weight.kib_per_stream == pytest.approx(20.48)
    assert weight.columns()["rss_mib"] == [50.0, 55.0, 60.0, 58.0]


def test_memory_that_shrinks_is_no_negative_weight() -> None:
    weight = Weight(open_streams=[0.0, 9.0], rss_mib=[50.0, 49.0], closed=[0.0, 0.0])

    assert weight.kib_per_stream == 0.0


async def test_engines_that_cannot_be_silenced_are_left_alone() -> None:
    found, notes = await weigh(lanes("direct", "mine"), [])

    assert found == {}
    assert notes == ["memory per open stream is measured in front of simulated engines only"]
