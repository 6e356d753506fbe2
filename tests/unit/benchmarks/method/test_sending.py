"""Dealing requests out to several engines; tests/wire sends them."""

import pytest

from benchmarks.load.planned import Planned, Schedule
from benchmarks.method.sending import Counts, dealt, limit_of


def planned(*sessions: int) -> Schedule:
    return Schedule(
        requests=tuple(Planned(input_tokens=1, output_tokens=1, session=one) for one in sessions),
        span=1.0,
    )


def test_requests_are_dealt_in_turn_and_keep_their_places() -> None:
    hands = dealt(planned(-1, -1, -1, -1, -1), 2)

    assert [sorted(hand) for hand in hands] == [[0, 2, 4], [1, 3]]


def test_turns_of_a_session_go_to_one() -> None:
    hands = dealt(planned(7, 7, -1, 7, 8, 8), 2)

    assert [sorted(hand) for hand in hands] == [[0, 1, 3, 4, 5], [2]]


def test_one_target_gets_all() -> None:
    assert list(dealt(planned(-1, 2, 2), 1)[0]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("limit", "ways", "shares"),
    [(7, 2, [4, 3]), (8, 2, [4, 4]), (1, 2, [1, 1]), (9, 4, [3, 2, 2, 2])],
)
def test_a_limit_is_shared(limit: int, ways: int, shares: list[int]) -> None:
    assert [limit_of(limit, ways, which) for which in range(ways)] == shares


def test_no_limit_stays_none() -> None:
    assert limit_of(None, 3, 0) is None


def test_parts_add_up_to_one_progress() -> None:
    told: list[tuple[int, int]] = []
    counts = Counts(lambda done, total: told.append((done, total)), 10)
    one, two = counts.of(0), counts.of(1)
    one(1, 5)
    two(2, 5)
    one(3, 5)

    assert told == [(1, 10), (3, 10), (5, 10)]
