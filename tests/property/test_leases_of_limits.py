"""Replicas that share a limit: together they never take more than it, but for what they owe."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.lease import Lease
from tests.fixtures.store_twin import StoreTwin

LIMIT = 20
ACTS = st.lists(
    st.tuples(st.sampled_from("tttxs"), st.integers(0, 1), st.floats(0.0, 1.0)), max_size=120
)


class Replica:
    """One replica, with when it took what."""

    def __init__(self) -> None:
        self.lease = Lease(LIMIT, replicas=2, whole=True, wake=lambda: None)
        self.taken: list[float] = []
        self.owed: list[float] = []

    def take(self, now: float) -> None:
        if self.lease.room(now) >= 1:
            slot = self.lease.take(1, now)
            (self.taken if slot[1] >= 0 else self.owed).append(now)


@given(acts=ACTS, pause=st.floats(0.0, 30.0))
def test_no_minute_holds_more_than_the_limit_and_what_is_owed(
    acts: list[tuple[str, int, float]], pause: float
) -> None:
    """t: a call comes; x: an exchange; s: a pause."""
    store, now = StoreTwin(), 1000.0
    replicas = [Replica(), Replica()]
    for act, number, seconds in acts:
        now += pause * seconds if act == "s" else seconds * 0.1
        replica = replicas[number]
        if act == "t":
            replica.take(now)
        elif act == "x" and replica.lease.leased:
            ask = replica.lease.ask(now)
            replica.lease.answered(store.exchange(ask, now), now)

    taken = sorted(at for replica in replicas for at in replica.taken)
    owed = sorted(at for replica in replicas for at in replica.owed)
    for begin in taken:
        # What is taken counts in the slot of the last exchange: a lease lasts a second.
        leased = sum(begin <= at < begin + 59.0 for at in taken)
        free = sum(begin - 1.0 <= at < begin + 59.0 for at in owed)
        assert leased <= LIMIT
        assert free <= 2 * LIMIT


@given(acts=st.lists(st.tuples(st.sampled_from("txl"), st.floats(0.0, 3.0)), max_size=60))
def test_a_replica_alone_takes_no_more_than_its_share_if_nobody_answers(
    acts: list[tuple[str, float]],
) -> None:
    """t: a call comes; x: an exchange that is lost; l: time passes."""
    replica, now = Replica(), 1000.0
    for act, seconds in acts:
        now += seconds if act == "l" else 0.01
        if act == "t":
            replica.take(now)
        elif act == "x" and replica.lease.leased:
            replica.lease.ask(now)
            replica.lease.lost()

    for begin in replica.owed:
        assert sum(begin <= at < begin + 60.0 for at in replica.owed) <= LIMIT / 2
