"""A listing is believed when it is good, or bad twice."""

import pytest

from proxy.core.catalog import Model
from proxy.dialects.base import Listing
from proxy.discovery.polling import GAP, INTERVAL, Shelf
from tests.unit.discovery.fakes import middle

ONE = Listing(models=(Model(id="a"),))
TWO = Listing(models=(Model(id="a"), Model(id="b")))
EMPTY = Listing()
BROKEN = Listing(problem="not a model list")


def full() -> Shelf:
    shelf = Shelf(middle)
    assert shelf.took(ONE, 0.0)
    return shelf


def test_a_new_shelf_is_due_at_once() -> None:
    assert Shelf(middle).next_at < 0.0


def test_the_first_list_is_news_and_the_same_again_is_not() -> None:
    shelf = full()

    assert shelf.models == ONE.models
    assert not shelf.took(ONE, 10.0)
    assert shelf.took(TWO, 20.0)
    assert shelf.models == TWO.models


def test_the_next_look_comes_after_the_interval_spread_by_chance() -> None:
    assert full().next_at == pytest.approx(INTERVAL)
    early, late = Shelf(lambda: 0.0), Shelf(lambda: 0.999)
    early.took(ONE, 0.0)
    late.took(ONE, 0.0)

    assert 0.79 * INTERVAL < early.next_at < late.next_at < 1.21 * INTERVAL


def test_hurry_never_undercuts_the_gap() -> None:
    shelf = full()
    shelf.hurry()

    assert shelf.next_at == pytest.approx(GAP)


@pytest.mark.parametrize("bad", [EMPTY, BROKEN])
def test_a_bad_list_is_believed_the_second_time_and_looked_at_again_soon(bad: Listing) -> None:
    shelf = full()

    assert not shelf.took(bad, 10.0)
    assert shelf.models == ONE.models
    assert shelf.problem
    assert shelf.next_at == pytest.approx(10.0 + GAP)
    assert shelf.took(bad, 11.5)
    assert shelf.models == ()
    assert shelf.next_at == pytest.approx(11.5 + INTERVAL)


def test_a_good_list_between_two_bad_ones_starts_the_count_anew() -> None:
    shelf = full()

    shelf.took(BROKEN, 10.0)
    assert not shelf.took(ONE, 11.5)
    assert shelf.problem == ""
    assert not shelf.took(EMPTY, 20.0)
    assert shelf.models == ONE.models


def test_silence_says_nothing_about_models() -> None:
    shelf = full()

    for now in (10.0, 20.0, 30.0):
        shelf.unanswered("timeout", now)

    assert shelf.models == ONE.models
    assert shelf.problem == "timeout"
    assert shelf.next_at == pytest.approx(30.0 + INTERVAL)


def test_nothing_known_and_nothing_listed_is_no_change() -> None:
    shelf = Shelf(middle)

    assert not shelf.took(EMPTY, 0.0)
    assert not shelf.took(EMPTY, 2.0)
    assert shelf.problem == "it lists no models"
