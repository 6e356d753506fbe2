"""The search for the largest load: finds its bracket, and claims nothing in between."""

import pytest

from benchmarks.method.search import WIDTH, Bracket, Outcome, Search

KEPT, MISSED, UNDECIDED = Outcome.KEPT, Outcome.MISSED, Outcome.UNDECIDED


def searched(
    search: Search, limit: float, *, doubt: tuple[float, float] = (0.0, 0.0)
) -> tuple[Bracket, list[float]]:
    """Probe a system that keeps its limits up to `limit`, and cannot be judged inside `doubt`."""
    tried: list[float] = []
    while (load := search.following()) is not None:
        assert len(tried) < 60
        tried.append(load)
        if doubt[0] <= load < doubt[1]:
            search.tell(load, UNDECIDED)
        else:
            search.tell(load, KEPT if load <= limit else MISSED)
    return search.bracket(), tried


@pytest.mark.parametrize("limit", [3.0, 26.0, 333.0, 1999.0])
def test_the_limit_is_inside_a_narrow_bracket(limit: float) -> None:
    found, _ = searched(Search(first=25, least=1, most=10_000), limit)

    assert found.low is not None
    assert found.high is not None
    assert found.low <= limit < found.high
    assert found.high / found.low <= WIDTH


def test_it_doubles_first() -> None:
    _, tried = searched(Search(first=25, least=1, most=10_000), 333)

    assert tried[:5] == [25, 50, 100, 200, 400]
    assert tried[5] == pytest.approx(282.8, rel=0.01)


def test_where_all_is_kept_there_is_no_upper_end() -> None:
    found, tried = searched(Search(first=25, least=1, most=150), 1e9)

    assert found == Bracket(low=150, high=None)
    assert tried == [25, 50, 100, 150]


def test_where_nothing_is_kept_there_is_no_lower_end() -> None:
    found, tried = searched(Search(first=8, least=1, most=100), 0.5)

    assert found == Bracket(low=None, high=1)
    assert tried == [8, 4, 2, 1]


def test_doubt_is_neither_kept_nor_missed() -> None:
    found, tried = searched(Search(first=25, least=1, most=10_000), 333, doubt=(150, 380))

    assert found.low is not None
    assert found.low < 150
    assert found.high is not None
    assert found.high >= 380
    assert len(tried) < 15


def test_streams_are_whole_numbers() -> None:
    found, tried = searched(Search(first=8, least=1, most=1000, whole=True), 45)

    assert all(load == int(load) for load in tried)
    assert found.low is not None
    assert found.low <= 45


def test_a_miss_below_something_kept_counts() -> None:
    search = Search(first=25, least=1, most=1000)
    for load, outcome in ((25, KEPT), (50, MISSED), (100, KEPT)):
        search.tell(load, outcome)

    assert search.bracket() == Bracket(low=25, high=50)


def test_doubt_up_to_the_top_ends() -> None:
    found, _ = searched(Search(first=25, least=1, most=200), 1e9, doubt=(90, 1e9))

    assert found.high is None
    assert found.low is not None
    assert found.low < 90
