"""Processes that share requests at once: together never more than the limit and one each."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.places import Places
from tests.fixtures.store_twin import PlacesTwin

PROCESSES = 3
ACTS = st.lists(
    st.tuples(st.sampled_from("bbbexw"), st.integers(0, PROCESSES - 1)), min_size=1, max_size=150
)


class Process:
    """One process: how many calls run that it had, or trusted to have, a place for."""

    def __init__(self, name: str, store: PlacesTwin) -> None:
        self.name = name
        self.store = store
        self.places = Places(PROCESSES, lambda: None, None)
        self.running = 0
        self.owed = 0  # of them, those begun without an answer

    def begin(self, limit: int, now: float) -> None:
        if self.running < self.places.room("team", limit, now):
            self.owed += now >= self.places.holds["team"].until
            self.running += 1
            self.places.put("team", self.running)

    def end(self) -> None:
        if self.running:
            self.owed -= self.owed == self.running  # the others go first
            self.running -= 1
            self.places.put("team", self.running)

    def exchange(self, now: float) -> None:
        for _, hold, claim in self.places.claims(now):
            hold.answered(*self.store.exchange(self.name, claim, now), now)


@given(limit=st.integers(0, 12), acts=ACTS)
def test_all_together_run_the_limit_and_one_for_each_other(
    limit: int, acts: list[tuple[str, int]]
) -> None:
    """b: a call comes; e: one ends; x: an exchange; w: time passes, in which all exchange."""
    store, now = PlacesTwin(PROCESSES), 1000.0
    processes = [Process(str(number), store) for number in range(PROCESSES)]
    for act, number in acts:
        now += 0.001
        process = processes[number]
        if act == "b":
            process.begin(limit, now)
        elif act == "e":
            process.end()
        elif act == "x":
            process.exchange(now)
        else:
            now += 0.5
            for one in processes:
                one.exchange(now)

        on_trust = sum(one.running - one.owed for one in processes)
        assert on_trust <= limit + PROCESSES - 1
        assert all(one.owed <= max(1, limit // PROCESSES) for one in processes)


@given(begun=st.lists(st.integers(0, 2), min_size=1, max_size=40), dead=st.integers(0, 2))
def test_the_places_of_who_is_gone_are_had_again(begun: list[int], dead: int) -> None:
    store, now = PlacesTwin(PROCESSES), 1000.0
    processes = [Process(str(number), store) for number in range(PROCESSES)]
    for number in begun:
        processes[number].begin(9, now)
        processes[number].exchange(now)
    alive = [one for number, one in enumerate(processes) if number != dead]
    for _ in range(60):
        now += 0.25
        for one in alive:
            one.begin(9, now)
            one.exchange(now)

    assert 9 <= sum(one.running for one in alive) <= 11
