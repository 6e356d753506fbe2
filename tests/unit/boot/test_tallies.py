"""Calls of each key in shared memory: a process sees those of the others; who is gone has none."""

import os

import pytest

from proxy.boot import tallies
from proxy.boot.board import Board, Seat
from proxy.boot.tallies import PLACES, Tallies, Tally


def others(view: Tally, name: str) -> float:
    """Return what the other processes have, of a limit of 100."""
    return 100 - view.room(name, 100, 0.0)


def test_a_process_sees_the_others_and_not_itself() -> None:
    memory = Tallies(3)
    views = [Tally(memory, worker) for worker in range(3)]

    for number, view in enumerate(views, 1):
        view.put("team", number)
        view.put(f"own-{number}", 7)

    assert [others(view, "team") for view in views] == [5, 4, 3]
    assert (others(views[0], "own-1"), others(views[0], "own-2"), others(views[0], "x")) == (
        0,
        7,
        0,
    )
    views[1].put("team", 0)
    assert others(views[0], "team") == 3


def test_names_whose_places_are_the_same_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Tallies(2)
    one, two = Tally(memory, 0), Tally(memory, 1)
    # The last place, and the first after it.
    one._idents = two._idents = {"a": PLACES - 1, "b": 2 * PLACES - 1, "c": 3 * PLACES - 1}

    one.put("a", 1)
    one.put("b", 2)

    assert [others(two, name) for name in "abc"] == [1, 2, 0]


def test_a_full_table_is_searched_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST", 2)
    memory = Tallies(2)
    one, two = Tally(memory, 0), Tally(memory, 1)

    for name in "abc":
        one.put(name, 1)

    assert [others(two, name) for name in "abc"] == [1, 1, 0]


def test_who_is_gone_leaves_nothing_and_its_place_may_be_another_key_s() -> None:
    board = Board(2)
    gone, here = Seat(board, 0).tally, Seat(board, 1).tally
    gone.put("team", 3)
    here.put("team", 1)
    assert others(here, "team") == 3

    board.wipe(0)

    assert others(here, "team") == 0
    anew = Seat(board, 0).tally
    assert others(anew, "team") == 1
    anew.put("team", 2)
    assert others(here, "team") == 2


def test_a_forked_process_writes_into_the_same_memory() -> None:
    memory = Tallies(2)
    pid = os.fork()
    if not pid:
        Tally(memory, 1).put("team", 5)
        os._exit(0)
    os.waitpid(pid, 0)

    assert others(Tally(memory, 0), "team") == 5
