"""Hedging: when its time has come, and how many there may be."""

import pytest

from proxy.core.hedging import LEARNED, Allowance, Beginnings, Policy


def test_a_hedge_is_paid_for_by_calls_before_it() -> None:
    allowance = Allowance()
    assert not allowance.take()

    for _ in range(20):
        allowance.called(0.05)

    assert allowance.take()
    assert not allowance.take()


def test_no_more_than_ten_are_saved_up() -> None:
    allowance = Allowance()
    for _ in range(10_000):
        allowance.called(0.05)

    assert sum(allowance.take() for _ in range(100)) == 10


def test_its_time_is_the_95th_percentile_of_what_was_seen() -> None:
    beginnings, policy = Beginnings(), Policy(delay=LEARNED)
    for number in range(19):
        beginnings.learn(0.01 * number)
    assert beginnings.delay(policy) is None

    for number in range(19, 100):
        beginnings.learn(0.01 * number)

    late = beginnings.delay(policy)
    assert late == pytest.approx(0.95, abs=0.06)


def test_what_was_long_ago_is_forgotten() -> None:
    beginnings, policy = Beginnings(), Policy()
    for seconds in [9.0] * 300 + [0.1] * 300:
        beginnings.learn(seconds)

    assert beginnings.delay(policy) == 0.1


def test_a_delay_of_the_settings_needs_no_learning() -> None:
    assert Beginnings().delay(Policy(delay=0.25)) == 0.25
