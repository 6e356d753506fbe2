"""A backend of several processes: what one of them does, the others see."""

from proxy.boot.board import Board, Seat
from proxy.core.breaker import Policy
from proxy.core.health import Health, State
from proxy.core.health import Policy as HealthPolicy
from proxy.core.joint import JointBreaker
from proxy.core.peers import SharedBackend, ToldHealth
from proxy.core.reported import Reported
from proxy.core.selection import Policy as Balance
from proxy.core.selection import Selector

NOW = 100.0


def backend(board: Board, worker: int, slot: int = 0, cap: int | None = None) -> SharedBackend:
    health = ToldHealth(HealthPolicy())
    made = SharedBackend(
        f"b{slot}", "", breaker=JointBreaker(Policy(), lambda: 0.5), health=health, cap=cap
    )
    made.share(Seat(board, worker), slot)
    health.told(State.READY, 1.0, "ready")
    return made


def test_a_cap_counts_what_all_have() -> None:
    board = Board(2)
    mine, theirs = backend(board, 0, cap=2), backend(board, 1, cap=2)
    leases = [mine.lease(1.0, 1.0, NOW), theirs.lease(1.0, 1.0, NOW)]

    assert mine.available(NOW)
    assert (mine.in_flight, mine.has_room) == (2, False)
    leases[1].release()
    assert mine.available(NOW)
    assert (mine.in_flight, mine.has_room) == (1, True)


def test_the_least_loaded_of_all_is_picked() -> None:
    board = Board(2)
    here = [backend(board, 0, slot) for slot in (0, 1)]
    there = [backend(board, 1, slot) for slot in (0, 1)]
    there[0].lease(500.0, 500.0, NOW)
    here[1].lease(10.0, 10.0, NOW)
    selector = Selector(Balance.WORK, lambda: 0.5)

    picked = selector.pick(here, prompt_work=1.0, output_work=1.0, tried=(), now=NOW)

    assert picked is here[1]
    assert here[0].work == 1000.0


def test_nothing_is_left_of_a_lease_that_was_given_back() -> None:
    board = Board(2)
    mine = backend(board, 0)
    theirs = backend(board, 1)
    their_lease = theirs.lease(0.3, 0.7, NOW)
    lease = mine.lease(0.1, 0.2, NOW)
    mine.available(NOW)

    lease.first_token()
    assert abs(board.work_at(0) - 1.2) < 1e-9
    lease.release()
    lease.release()
    their_lease.release()

    assert (board.requests_at(0), board.work_at(0)) == (0, 0.0)


def test_it_is_never_settled() -> None:
    mine = backend(Board(2), 0)

    assert mine.available(NOW + 1000.0)
    assert not mine.settled


def test_an_end_is_told_where_others_wait() -> None:
    board = Board(2)
    freed: list[int] = []
    mine = backend(board, 0)
    seat = mine.board
    assert isinstance(seat, Seat)
    seat.on_freed = lambda: freed.append(1)
    mine.lease(1.0, 1.0, NOW).release()
    assert not freed

    Seat(board, 1).waits("m", 1)
    mine.lease(1.0, 1.0, NOW).release()

    assert freed == [1]


def test_what_the_engine_said_is_taken_over() -> None:
    mine = backend(Board(2), 0)
    said = Reported(running=4)

    mine.told_load(said, 3)
    mine.available(NOW)

    assert mine.reported is said
    assert mine.penalty > 0.0


def test_told_health_changes_what_routing_sees() -> None:
    changes: list[State] = []
    health = ToldHealth(HealthPolicy())
    health.on_change = lambda: changes.append(health.state)

    health.told(State.READY, 5.0, "ready")
    health.told(State.READY, 5.0, "ready")
    health.told(State.DOWN, 9.0, "refused")

    assert changes == [State.READY, State.DOWN]
    assert (health.ready, health.since, health.reason) == (False, 9.0, "refused")
    assert isinstance(health, Health)
