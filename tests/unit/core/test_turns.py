"""Who stands how far back, and who does not."""

import heapq

import pytest

from proxy.core.turns import FURTHEST, LATELY, Turns

RATE = 10.0


@pytest.fixture
def turns() -> Turns:
    return Turns()


def arrived(turns: Turns, whose: str, times: int, *, now: float = 0.0) -> list[float]:
    return [turns.arrive(whose, now, RATE) for _ in range(times)]


def test_a_tenant_that_is_alone_is_served_as_it_comes(turns: Turns) -> None:
    assert arrived(turns, "a", 3) == [0.0, 0.0, 0.0]


def test_who_has_some_in_the_queue_waits_until_they_are_served_at_its_share(turns: Turns) -> None:
    arrived(turns, "a", 1)

    assert arrived(turns, "b", 3) == [0.0, 2 / RATE, 4 / RATE]
    assert arrived(turns, "a", 1, now=1.0) == [1.0 + 2 / RATE]


def test_nobody_is_put_back_while_the_rate_is_unknown(turns: Turns) -> None:
    arrived(turns, "a", 1)

    assert [turns.arrive("b", 0.0, 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_nobody_is_put_back_further_than_a_class_is_worth(turns: Turns) -> None:
    arrived(turns, "a", 1)

    assert arrived(turns, "b", 500)[-1] == FURTHEST


def test_nobody_overtakes_an_own_ticket(turns: Turns) -> None:
    arrived(turns, "a", 1)
    last = arrived(turns, "b", 10)[-1]
    for _ in range(9):
        turns.leave("b")

    assert turns.arrive("b", 0.1, RATE) == last


def test_who_has_been_served_stands_where_it_comes(turns: Turns) -> None:
    arrived(turns, "a", 1)
    arrived(turns, "b", 10)
    for _ in range(10):
        turns.leave("b")

    assert arrived(turns, "b", 1, now=0.1) == [0.1]


def test_who_has_not_been_about_is_no_reason_to_stand_back(turns: Turns) -> None:
    arrived(turns, "a", 1)
    turns.leave("a")

    assert arrived(turns, "b", 2, now=LATELY) == [LATELY, LATELY]


@pytest.mark.parametrize("loud", [12, 36])
def test_two_tenants_with_more_than_enough_get_as_much_each(turns: Turns, loud: int) -> None:
    """Each asks again when it has been served; ten are served a second, one at a time."""
    heap: list[tuple[float, int, str]] = []
    served = {"quiet": 0, "loud": 0}
    now, serial = 0.0, 0

    def ask(whose: str) -> None:
        nonlocal serial
        serial += 1
        heapq.heappush(heap, (turns.arrive(whose, now, RATE), serial, whose))

    for whose, clients in (("loud", loud), ("quiet", 4)):
        for _ in range(clients):
            ask(whose)
    for turn in range(2000):
        now = turn / RATE
        _, _, whose = heapq.heappop(heap)
        turns.leave(whose)
        ask(whose)
        if turn >= 1000:
            served[whose] += 1

    assert abs(served["quiet"] - served["loud"]) <= 120, served


def test_it_is_known_how_many_tenants_wait(turns: Turns) -> None:
    arrived(turns, "a", 2)
    arrived(turns, "b", 1)
    turns.leave("b")

    assert turns.waiting == 1
