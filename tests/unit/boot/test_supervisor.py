"""When a worker is replaced: at once, unless it keeps dying young."""

import pytest

from proxy.boot.supervisor import LONGEST_PAUSE, SHORT, Place, pause


@pytest.mark.parametrize(
    ("lives", "seconds"), [(0, 0.0), (1, 0.1), (2, 0.2), (6, 3.2), (7, LONGEST_PAUSE), (900, 5.0)]
)
def test_pauses_grow_with_short_lives(lives: int, seconds: float) -> None:
    assert pause(lives) == pytest.approx(seconds)


def test_a_long_life_is_replaced_at_once_and_forgets_the_short_ones() -> None:
    place = Place(0)
    place.pid, place.born = 5, 100.0

    assert place.died(100.0 + SHORT - 1) == pytest.approx(0.1)
    assert (place.pid, place.due) == (0, pytest.approx(100.0 + SHORT - 0.9))
    place.born = 200.0
    assert place.died(201.0) == pytest.approx(0.2)
    place.born = 300.0
    assert place.died(300.0 + SHORT) == 0.0
    assert place.short_lives == 0
