"""Breakers of several processes: who trips, who follows, and whose turn a trial is."""

import itertools
from collections.abc import Callable

import pytest

from proxy.core.breaker import UNTRACKED, Policy, State
from proxy.core.joint import TURN, JointBreaker, News, Turns, What


class Crew:
    """Breakers that hear at once what one of them tells."""

    def __init__(self, count: int = 3) -> None:
        self.breakers = [JointBreaker(Policy(), lambda: 0.5) for _ in range(count)]
        self.told: list[News] = []
        self.now = 1000.0
        for index, breaker in enumerate(self.breakers):
            breaker.turns = Turns(index, count)
            breaker.tell = self._relay(breaker)

    def _relay(self, teller: JointBreaker) -> Callable[[News], None]:
        def tell(news: News) -> None:
            self.told.append(news)
            for breaker in self.breakers:
                if breaker is not teller:
                    breaker.hear(news, self.now)

        return tell

    def fail(self, index: int, *, hard: bool = False) -> None:
        breaker = self.breakers[index]
        breaker.failed(breaker.admit(self.now), self.now, hard=hard)

    def states(self) -> set[State]:
        return {breaker.state(self.now) for breaker in self.breakers}

    def turn_of(self, index: int) -> None:
        """Let the time come to a turn of one of them, in the middle."""
        count = len(self.breakers)
        slot = int(self.now / TURN) + 1
        slot += (index - slot) % count
        self.now = (slot + 0.5) * TURN


def opened() -> Crew:
    crew = Crew()
    for _ in range(5):
        crew.fail(0)
    assert crew.states() == {State.OPEN}
    return crew


def test_evidence_of_all_trips_all_once() -> None:
    crew = Crew()

    for index in (0, 1, 2, 0):
        crew.fail(index)
    assert crew.states() == {State.CLOSED}
    crew.fail(1)

    assert crew.states() == {State.OPEN}
    assert [each.opened_count for each in crew.breakers] == [1, 1, 1]
    assert [news.what for news in crew.told] == [What.FAILED] * 4 + [What.OPENED]


def test_a_good_result_is_told_with_the_next_bad_one() -> None:
    crew = Crew()
    for index in (0, 1, 2, 0):
        crew.fail(index)

    crew.breakers[2].succeeded(crew.breakers[2].admit(crew.now), crew.now)
    assert len(crew.told) == 4
    crew.fail(2)

    assert crew.states() == {State.CLOSED}
    assert crew.breakers[0].run == 1


def test_all_stay_open_for_the_same_time() -> None:
    crew = opened()
    assert len({breaker.next_probe_at for breaker in crew.breakers}) == 1


def test_one_trial_at_a_time_and_only_in_turn() -> None:
    crew = opened()
    crew.now += 10.0
    crew.turn_of(1)

    assert [breaker.allows(crew.now) for breaker in crew.breakers] == [False, True, False]
    crew.breakers[1].admit(crew.now)
    assert not any(breaker.allows(crew.now) for breaker in crew.breakers)
    crew.turn_of(2)
    assert not any(breaker.allows(crew.now) for breaker in crew.breakers)
    assert crew.breakers[2].admit(crew.now) == UNTRACKED


@pytest.mark.parametrize("good", [True, False])
def test_the_result_of_a_trial_holds_for_all(good: bool) -> None:
    crew = opened()
    crew.now += 10.0
    crew.turn_of(1)
    token = crew.breakers[1].admit(crew.now)

    if good:
        crew.breakers[1].succeeded(token, crew.now)
    else:
        crew.breakers[1].failed(token, crew.now, hard=False)

    assert crew.states() == {State.CLOSED if good else State.OPEN}
    assert [b.recovered_at == crew.now for b in crew.breakers] == [good] * 3
    assert {b.opened_count for b in crew.breakers} == {1 if good else 2}


def test_a_trial_without_a_verdict_leaves_its_place() -> None:
    crew = opened()
    crew.now += 10.0
    crew.turn_of(0)
    crew.breakers[0].abandoned(crew.breakers[0].admit(crew.now), crew.now)
    crew.turn_of(2)

    assert crew.breakers[2].allows(crew.now)


def test_a_new_process_stands_where_the_others_do() -> None:
    crew = opened()
    crew.now += 10.0
    crew.turn_of(0)
    crew.breakers[0].admit(crew.now)
    fresh = JointBreaker(Policy(), lambda: 0.5)
    fresh.turns = Turns(1, 3)

    for news in crew.breakers[1].standing():
        fresh.hear(news, crew.now)
    crew.turn_of(1)

    assert not fresh.closed
    assert not fresh.allows(crew.now)
    assert JointBreaker(Policy(), lambda: 0.5).standing() == []


def test_who_has_no_turns_begins_no_trial() -> None:
    breaker = JointBreaker(Policy(), lambda: 0.5)
    assert breaker.allows(0.0)

    breaker.hear(News(what=What.OPENED, until=1.0), 0.0)

    assert not any(breaker.allows(10.0 + n * TURN) for n in range(10))


def test_every_state_takes_every_piece_of_news() -> None:
    after = {
        (State.CLOSED, What.OPENED): State.OPEN,
        (State.HALF_OPEN, What.OPENED): State.OPEN,
        (State.OPEN, What.CLOSED): State.CLOSED,
        (State.HALF_OPEN, What.CLOSED): State.CLOSED,
    }
    for state, what in itertools.product(State, What):
        breaker = JointBreaker(Policy(), lambda: 0.5)
        if state is not State.CLOSED:
            breaker.hear(News(what=What.OPENED, until=2.0), 0.0)
        now = 3.0 if state is State.HALF_OPEN else 1.0
        assert breaker.state(now) is state

        breaker.hear(News(what=what, until=now + 5.0), now)

        assert breaker.state(now) is after.get((state, what), state), (state, what)
