"""What an interval allows to be said."""

import pytest

from benchmarks.report.effects import Standing, arms_of, measured, standing
from benchmarks.report.record import Effect
from tests.fixtures.bench import records


def effect(
    added: float | None, low: float | None, high: float | None, seen: float | None
) -> Effect:
    return Effect(
        figure="token_p50_us",
        arm="a",
        direct=1.0,
        value=2.0,
        added=added,
        low=low,
        high=high,
        resolution=seen,
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((10.0, 5.0, 15.0, 3.0), Standing.ADDED),
        ((10.0, 5.0, 15.0, None), Standing.ADDED),
        ((-10.0, -15.0, -5.0, 3.0), Standing.SAVED),
        ((10.0, -1.0, 15.0, 3.0), Standing.UNSEEN),
        ((2.0, 1.0, 3.0, 5.0), Standing.UNSEEN),  # clear of zero, but A/A shows as much
        ((None, None, None, None), Standing.UNKNOWN),
        ((10.0, None, None, 3.0), Standing.UNKNOWN),
    ],
)
def test_an_effect_is_seen_only_beyond_zero_and_beyond_the_resolution(
    given: tuple[float | None, float | None, float | None, float | None], said: Standing
) -> None:
    assert standing(effect(*given)) is said


def test_arms_and_figures_are_found_by_role_and_name() -> None:
    record = records.overhead(["headrace", "nginx"], rounds=6)

    assert arms_of(record, "proxy") == ["headrace", "nginx"]
    assert measured(record, ["token_p50_us", "never"]) == ["token_p50_us"]
