"""Pauses grow with each failure, up to a bound, and are spread."""

import pytest

from proxy.discovery.pauses import FIRST, JITTER, LONGEST, Pauses


def test_pauses_double_up_to_the_longest_and_begin_anew() -> None:
    pauses = Pauses(lambda: 0.5)

    assert [pauses.next() for _ in range(4)] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert [pauses.next() for _ in range(20)][-1] == LONGEST
    pauses.worked()
    assert pauses.next() == FIRST


@pytest.mark.parametrize(("random", "factor"), [(0.0, 1.0 - JITTER), (0.999999, 1.0 + JITTER)])
def test_chance_spreads_them_to_both_sides(random: float, factor: float) -> None:
    assert Pauses(lambda: random).next() == pytest.approx(FIRST * factor, rel=1e-3)
