"""Memory that processes share: each writes its own places and reads those of all."""

import os

from proxy.boot.board import SLOTS, Board, Seat


def test_a_seat_sees_the_others_and_not_itself() -> None:
    board = Board(3)
    seats = [Seat(board, worker) for worker in range(3)]

    for worker, seat in enumerate(seats):
        seat.put(7, worker + 1, 10.0 * worker)

    assert seats[0].others(7) == (5, 30.0)
    assert seats[2].others(7) == (3, 10.0)
    assert (board.requests_at(7), board.work_at(7)) == (6, 30.0)
    assert seats[0].others(6) == (0, 0.0)
    assert seats[0].others(SLOTS - 1) == (0, 0.0)
    assert {seat.workers for seat in seats} == {3}


def test_who_is_gone_leaves_nothing() -> None:
    board = Board(2)
    gone, here = Seat(board, 0), Seat(board, 1)
    for slot in (0, 9):
        gone.put(slot, 3, 30.0)
        here.put(slot, 1, 10.0)
    gone.waits("m", 4)

    board.wipe(0)

    assert (board.requests_at(0), board.work_at(9)) == (1, 10.0)
    assert here.waiting("m") == 0


def test_calls_that_wait_are_counted_by_model_and_in_all() -> None:
    board = Board(2)
    one, two = Seat(board, 0), Seat(board, 1)

    one.waits("m", 2)
    one.waits("n", 1)
    one.waits("m", -1)

    assert (two.waiting("m"), two.waiting("n"), two.all_waiting()) == (1, 1, 2)
    assert (one.waiting("m"), one.all_waiting()) == (0, 0)
    assert (board.waits(0), board.waits(1)) == (2, 0)


def test_a_forked_process_writes_into_the_same_memory() -> None:
    board = Board(2)
    pid = os.fork()
    if not pid:
        Seat(board, 1).put(3, 5, 2.5)
        os._exit(0)
    os.waitpid(pid, 0)

    assert Seat(board, 0).others(3) == (5, 2.5)
