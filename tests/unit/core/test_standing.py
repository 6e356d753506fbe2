"""Standing: holds that grow, and what counts as coming back too often."""

import pytest

from proxy.core.standing import Event, Policy, Standing, State
from tests.fixtures.fleet import middle

POLICY = Policy(hold=10.0, max_hold=60.0, decay=100.0)


def held(standing: Standing) -> float:
    return standing.until - standing.since


def test_a_backend_begins_in_good_standing() -> None:
    standing = Standing(middle)

    assert standing.state is State.GOOD
    assert not standing.passed_over
    assert not standing.over(1e9)


def test_each_complaint_in_a_row_holds_twice_as_long() -> None:
    standing = Standing(middle)
    holds, now = [], 1.0

    for _ in range(5):
        standing.take(Event.SLOW, now, POLICY)
        holds.append(held(standing))
        assert not standing.over(standing.until - 0.1)
        now = standing.until
        assert standing.over(now)
        standing.take(Event.OVER, now, POLICY)

    assert holds == [10.0, 20.0, 40.0, 60.0, 60.0]
    assert standing.counts[State.SLOW] == 5


def test_good_standing_takes_doublings_back() -> None:
    standing = Standing(middle)
    for now in (1.0, 50.0, 90.0):
        standing.take(Event.SLOW, now, POLICY)
        standing.take(Event.OVER, now, POLICY)
    standing.take(Event.FINE, 90.0, POLICY)

    standing.take(Event.SLOW, 300.0, POLICY)

    assert held(standing) == 20.0  # it would be 60, but for two good times


def test_who_is_unsteady_is_held_for_a_quarter_and_anew_each_time() -> None:
    standing = Standing(middle)

    assert standing.take(Event.UNSTEADY, 1.0, POLICY)
    assert held(standing) == 2.5
    assert not standing.take(Event.UNSTEADY, 2.0, POLICY)  # it stood so before

    assert standing.until == 7.0
    assert standing.counts[State.UNSTEADY] == 2


@pytest.mark.parametrize(("times", "habit"), [((5.0, 64.0), True), ((5.0, 66.0), False)])
def test_only_the_second_return_within_the_time_is_a_habit(
    times: tuple[float, float], habit: bool
) -> None:
    standing = Standing(middle)
    first, second = times

    assert not standing.returned(first, Policy(flapping=60.0))
    assert standing.returned(second, Policy(flapping=60.0)) is habit


def test_holds_are_spread() -> None:
    ends = []
    for luck in (0.0, 0.5, 0.999):
        standing = Standing(lambda luck=luck: luck)  # type: ignore[misc]
        standing.take(Event.SILENT, 0.0, POLICY)
        ends.append(round(standing.until, 1))

    assert ends == [8.0, 10.0, 12.0]


def test_it_can_be_read_in_a_log() -> None:
    assert "good" in repr(Standing(middle))
    assert Policy(factor=3.0).fine == 2.0
