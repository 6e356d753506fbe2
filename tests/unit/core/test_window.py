"""A sliding window: what may be taken, when there is room again, and what a correction does."""

from math import inf

import pytest

from proxy.core.window import FULL_IN, Window

START = 1000.0


def test_all_of_the_limit_can_be_taken_at_once() -> None:
    window = Window(3)

    for left in (3, 2, 1, 0):
        assert window.room(START) == left
        window.take(1, START)

    assert window.room(START + 59) == -1


def test_a_claim_takes_what_there_is_room_for_or_nothing() -> None:
    window = Window(3)

    assert window.claim(4, START) is None
    assert window.claim(2, START) is not None
    assert window.claim(2, START) is None

    assert window.room(START) == 1
    assert window.claim(3, START + 61) is not None


def test_what_was_taken_counts_for_a_whole_period() -> None:
    window = Window(2)
    window.take(1, START + 0.2)
    window.take(1, START + 30)

    assert window.room(START + 60.2) == 0
    assert window.room(START + 60.25) == 1
    assert window.room(START + 90.25) == 2


def test_it_says_when_there_is_room() -> None:
    window = Window(10)
    window.take(4, START)
    window.take(6, START + 10)

    assert window.wait(0, START + 20) == 0.0
    assert window.wait(3, START + 20) == pytest.approx(40.25)
    assert window.wait(5, START + 20) == pytest.approx(50.25)
    assert window.wait(11, START + 20) == inf


def test_a_fresh_one_is_full() -> None:
    window = Window(10)

    assert (window.room(START), window.wait(10, START)) == (10, 0.0)


def test_all_is_there_again_by_the_time_that_clients_are_told() -> None:
    window = Window(10)
    window.take(10, START + 0.2)

    assert window.room(START + 0.2 + FULL_IN) == 10


def test_a_time_before_the_present_slot_belongs_to_it() -> None:
    window = Window(10)
    window.take(1, START + 10)

    window.take(2, START)

    assert window.room(START + 60.25) == 7
    assert window.room(START + 70.25) == 10


def test_a_correction_changes_what_counts_and_leaves_with_it() -> None:
    window = Window(100)
    slot = window.take(80, START)

    window.correct(slot, -70, START + 5)
    assert window.room(START + 5) == 90

    assert window.room(START + 60.25) == 100


def test_a_late_correction_takes_what_was_missing_and_gives_nothing_back() -> None:
    window = Window(100)
    cheap, dear = window.take(10, START), window.take(10, START + 1)

    window.correct(cheap, -10, START + 100)
    assert window.room(START + 100) == 100

    window.correct(dear, 30, START + 100)
    assert window.room(START + 100) == 70


def test_another_limit_holds_at_once() -> None:
    window = Window(10)
    window.take(8, START)

    window.limit = 5

    assert window.room(START) == -3
    assert window.wait(1, START) == pytest.approx(60.25)
