"""Deadlines on the wheel: never early, hardly late, cheap to move."""

import math

from proxy.core.wheel import PARK, TICK, Wheel


class Holder:
    """An item whose deadline its owner moves."""

    def __init__(self, deadline: float = 0.0) -> None:
        self.deadline = deadline
        self.expired_at = 0.0

    def expired(self, now: float) -> None:
        self.expired_at = now


def filed(wheel: Wheel, *deadlines: float) -> list[Holder]:
    """Return holders, filed with these deadlines."""
    holders = [Holder(deadline) for deadline in deadlines]
    for holder in holders:
        wheel.add(holder, holder.deadline)
    return holders


def test_an_item_is_due_from_its_deadline_on_and_once() -> None:
    wheel = Wheel(100.0)
    (holder,) = filed(wheel, 100.12)

    assert wheel.advance(100.11) == []
    assert wheel.advance(100.12 + TICK) == [holder]
    assert wheel.advance(200.0) == []
    assert len(wheel) == 0


def test_a_deadline_in_the_past_is_due_at_the_next_tick() -> None:
    wheel = Wheel(100.0)
    (holder,) = filed(wheel, 3.0)

    assert wheel.advance(100.0) == []
    assert wheel.advance(100.0 + TICK) == [holder]


def test_a_holder_that_makes_progress_is_filed_anew_without_being_asked() -> None:
    wheel = Wheel()
    (holder,) = filed(wheel, 1.0)

    holder.deadline = 5.0
    assert wheel.advance(2.0) == []
    assert holder in wheel
    assert wheel.advance(4.9) == []
    assert wheel.advance(5.1) == [holder]


def test_a_deadline_that_comes_closer_is_told_by_adding_again() -> None:
    wheel = Wheel()
    (holder,) = filed(wheel, 100.0)

    holder.deadline = 1.0
    wheel.add(holder, 1.0)
    assert len(wheel) == 1
    assert wheel.advance(1.1) == [holder]
    assert wheel.advance(101.0) == []


def test_an_item_without_a_deadline_is_parked_and_looked_at_again() -> None:
    wheel = Wheel()
    holder, never = filed(wheel, 0.0, math.inf)

    assert wheel.advance(50.0) == []
    assert {holder in wheel, never in wheel} == {True}
    holder.deadline = 50.1
    assert wheel.advance(50.0 + PARK + TICK) == [holder]


def test_a_discarded_item_is_gone_at_once() -> None:
    wheel = Wheel()
    kept, dropped = filed(wheel, 1.0, 1.0)

    wheel.discard(dropped)
    wheel.discard(dropped)
    assert len(wheel) == 1
    assert wheel.advance(2.0) == [kept]
    assert wheel._pages == {}


def test_items_may_be_added_and_discarded_while_the_due_ones_are_handled() -> None:
    wheel = Wheel()
    first, second = filed(wheel, 1.0, 1.01)
    for item in wheel.advance(1.1):
        wheel.discard(second)
        first.deadline = 2.0
        wheel.add(first, 2.0)
        item.expired(1.1)

    assert wheel.advance(2.1) == [first]


def test_a_long_pause_costs_no_more_than_what_is_filed() -> None:
    wheel = Wheel()
    late, later = filed(wheel, 5.0, 3.0)

    assert wheel.advance(1e12) == [later, late]


def test_a_clock_that_stands_still_or_goes_back_does_nothing() -> None:
    wheel = Wheel(10.0)
    filed(wheel, 10.1)

    assert wheel.advance(10.0) == []
    assert wheel.advance(5.0) == []
    assert len(wheel) == 1
    assert repr(wheel) == "<Wheel 1 items on 1 pages of 0.05 s>"
