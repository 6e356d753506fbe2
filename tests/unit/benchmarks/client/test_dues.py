"""Who is due next."""

from benchmarks.client.dues import SECOND, Dues
from benchmarks.load.planned import Planned


def planned(at: float = 0.0, **more: object) -> Planned:
    return Planned(at=at, input_tokens=1, output_tokens=1, **more)  # type: ignore[arg-type]


def test_requests_come_by_time_whatever_their_place() -> None:
    dues = Dues({4: planned(2.0), 7: planned(1.0)}, 100)

    assert dues.head() == 100 + SECOND
    assert dues.pop() == (100 + SECOND, 7)
    assert dues.pop() == (100 + 2 * SECOND, 4)
    assert dues.head() is None


def test_a_turn_waits_for_the_one_before_and_thinks() -> None:
    turns = {
        0: planned(session=5, turn=0),
        1: planned(session=5, turn=1, think=0.5),
        2: planned(3.0),
    }
    dues = Dues(turns, 0)

    assert dues.pop() == (0, 0)
    assert dues.head() == 3 * SECOND
    assert dues.ended(0, SECOND) == 1
    assert dues.head() == SECOND + SECOND // 2
    assert dues.pop() == (SECOND + SECOND // 2, 1)
    assert dues.ended(1, SECOND) is None


def test_requests_by_themselves_have_no_follower() -> None:
    dues = Dues({0: planned(), 1: planned()}, 0)

    assert dues.ended(0, 5) is None


def test_what_is_coming_is_counted() -> None:
    dues = Dues({at: planned(at / 10) for at in range(10)}, 0)

    assert dues.coming(SECOND // 2) == 6
    dues.pop()
    assert dues.coming(SECOND // 2) == 5


def test_each_request_is_foreseen_once() -> None:
    dues = Dues({at: planned(at / 10) for at in range(4)}, 0)

    assert dues.foresee(SECOND // 10) == [0, 1]
    assert dues.foresee(SECOND // 10) == []
    dues.pop()
    dues.pop()
    dues.pop()
    assert dues.foresee(SECOND) == [3]
