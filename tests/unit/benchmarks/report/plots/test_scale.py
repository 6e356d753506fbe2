"""Scales: places and round ticks."""

import pytest

from benchmarks.report.plots.scale import label, linear, logarithmic, suited


def test_a_linear_scale_ends_on_round_values_and_holds_zero() -> None:
    scale = linear([3.0, 9.3], 0, 100)

    assert (scale.low, scale.high) == (0, 10)
    assert scale.ticks() == [0, 2, 4, 6, 8, 10]
    assert scale.at(5) == 50


def test_places_outside_are_clipped() -> None:
    scale = linear([0.0, 10.0], 100, 0)

    assert scale.at(-5) == 100
    assert scale.at(50) == 0


def test_negative_values_get_room() -> None:
    scale = linear([-3.0, 8.0], 0, 100)

    assert scale.low <= -3
    assert 0 in scale.ticks()


def test_a_logarithmic_scale_has_ticks_at_one_two_five() -> None:
    scale = logarithmic([0.3, 4.0], 0, 100)

    assert (scale.low, scale.high) == (0.2, 5)
    assert scale.ticks() == pytest.approx([0.2, 0.5, 1, 2, 5])
    assert scale.at(1.0) == pytest.approx(50, abs=1)


def test_many_decades_have_one_tick_each() -> None:
    assert logarithmic([1.0, 1e6], 0, 1).ticks() == pytest.approx([10.0**n for n in range(7)])


def test_values_decades_apart_get_a_logarithmic_scale_if_all_are_positive() -> None:
    assert suited([1.0, 100.0], 0, 1).log
    assert not suited([1.0, 10.0], 0, 1).log
    assert not suited([-1.0, 100.0], 0, 1).log
    assert not suited([], 0, 1).log


@pytest.mark.parametrize("values", [[], [0.0], [5.0], [5.0, 5.0], [-2.0]])
def test_degenerate_data_still_has_a_scale(values: list[float]) -> None:
    scale = linear(values, 0, 100)

    assert scale.high > scale.low
    assert len(scale.ticks()) >= 2


def test_one_positive_value_has_a_logarithmic_scale() -> None:
    scale = logarithmic([5.0], 0, 100)

    assert scale.high > scale.low


def test_tick_labels_are_short() -> None:
    assert [label(v) for v in (0, 0.2, 5.0, 1500, 25000)] == ["0", "0.2", "5", "1,500", "25k"]
