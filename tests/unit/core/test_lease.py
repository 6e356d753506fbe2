"""A lease: what it lets take, what the store is told, and what happens when nobody answers."""

from math import inf

from proxy.core.lease import LASTS, PAUSE, Answer, Ask, Lease

START = 1000.0


class Woken:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def lease(
    limit: float = 100, *, replicas: int = 2, held: float | None = None, left: float = 0.0
) -> Lease:
    """Return a lease; with `held` the store has just granted so much in its slot 7."""
    made = Lease(limit, replicas=replicas, whole=True, wake=Woken())
    if held is not None:
        made.take(0, START)
        made.ask(START)
        made.answered(Answer(granted=held, slot=7, left=left, room_in=9.0), START)
    return made


def ask(made: Lease, now: float = START) -> Ask:
    return made.ask(now)


def test_without_a_lease_there_is_a_share_and_the_store_is_asked_soon() -> None:
    woken = Woken()
    made = Lease(100, replicas=4, whole=True, wake=woken)
    assert (made.room(START), made.leased) == (25, False)

    made.take(5, START)
    made.take(5, START)

    assert (made.room(START), made.leased, woken.count) == (15, True, 1)
    told = ask(made)
    assert (told.debt, told.held, told.wanted, told.limit) == (10, 0, 20, 100)
    made.answered(Answer(granted=0, slot=1, left=0), START)
    assert ask(made).debt == 0


def test_a_lease_is_all_there_is() -> None:
    made = lease(held=10, left=30)
    assert (made.room(START), made.remaining(START)) == (10, 40)

    made.take(4, START)

    assert (made.room(START), made.remaining(START)) == (6, 36)
    told = ask(made)
    assert (told.held, told.slot, told.debt, told.wanted) == (6, 7, 0, 8)


def test_no_more_is_claimed_than_there_is() -> None:
    made = lease(held=10)

    assert made.claim(11, START) is None
    assert made.claim(10, START) is not None
    assert made.claim(1, START) is None
    assert made.room(START) == 0


def test_what_is_taken_while_the_store_thinks_comes_off_the_lease() -> None:
    made = lease(held=10)
    ask(made)
    made.take(3, START)

    made.answered(Answer(granted=-5, slot=8, left=0), START)

    assert made.room(START) == 2
    made.take(4, START)
    assert ask(made).debt == 2


def test_a_lease_without_an_answer_ends_and_the_share_holds() -> None:
    made = lease(held=80)
    made.take(5, START)

    assert made.room(START + LASTS) == 45
    told = ask(made, START + LASTS)
    assert (told.held, told.debt) == (0, 0)


def test_who_gets_no_answer_owes_still_and_holds_nothing() -> None:
    made = Lease(100, replicas=2, whole=True, wake=Woken())
    made.take(5, START)
    ask(made)

    made.lost()

    assert made.room(START) == 45
    assert ask(made).debt == 5


def test_a_pause_gives_all_back() -> None:
    made = lease(held=10)
    later = START + PAUSE + 0.1
    made.ask(START + 0.9)
    made.answered(Answer(granted=0, slot=9, left=0), later - 0.2)

    told = ask(made, later)
    assert (told.wanted, told.held, told.slot) == (-1.0, 10, 9)
    made.answered(Answer(granted=-10, slot=10, left=100), later)

    assert (made.leased, made.room(later)) == (False, 50)


def test_what_was_cheaper_goes_back_where_it_counts_and_what_was_dearer_is_owed() -> None:
    made = lease(held=50)
    one, two = made.take(20, START), made.take(20, START)

    made.correct(one, -15, START)
    made.correct(two, -5, START)
    made.correct(two, 7, START)

    told = ask(made)
    assert (dict(told.refunds), told.debt) == ({7: 20.0}, 7)
    made.lost()
    assert dict(ask(made).refunds) == {7: 20.0}


def test_what_was_owed_is_given_back_while_nobody_knows_of_it() -> None:
    made = Lease(100, replicas=2, whole=False, wake=Woken())
    slot = made.take(20, START)

    made.correct(slot, -15, START)
    assert ask(made).debt == 5
    made.answered(Answer(granted=0, slot=1, left=0), START)
    made.correct(slot, -5, START)

    told = ask(made)
    assert (told.debt, dict(told.refunds)) == (0, {})


def test_it_says_how_long_to_wait_and_asks_for_what_was_refused() -> None:
    made = lease(held=10, left=50)

    assert made.wait(5, START) == 0.0
    assert made.wait(40, START) == LASTS
    assert made.wait(90, START) == 9.0
    assert made.wait(101, START) == inf
    assert ask(made).wanted == 90


def test_without_a_lease_the_wait_is_that_of_the_share() -> None:
    made = Lease(100, replicas=2, whole=True, wake=Woken())
    made.take(50, START)

    assert 59.0 < made.wait(1, START) <= 60.25


def test_another_limit() -> None:
    made = lease(limit=100)

    made.limit = 10

    assert (made.limit, made.room(START)) == (10, 5)


def test_an_ask_that_was_broken_off_is_lost() -> None:
    made = lease(held=10)
    made.take(12, START)
    ask(made)

    told = ask(made)

    assert (told.held, told.debt) == (0, 2)
    assert made.room(START) == 38
