"""Selection over any fleet; and, in simulated time, how much traffic a bad backend gets."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.backend import Backend
from proxy.core.selection import FULL_SCAN, Policy, Selector
from tests.fixtures.cluster import Cluster
from tests.fixtures.fleet import make_backend, take_down, trip

NOW = 100.0
CONDITIONS = st.sampled_from(["ready", "unknown", "down", "open", "probing", "draining", "warming"])


@st.composite
def backends(draw: st.DrawFn) -> Backend:
    backend = make_backend(
        weight=draw(st.sampled_from([0.5, 1.0, 4.0])),
        priority=draw(st.integers(0, 2)),
        cap=draw(st.sampled_from([None, 1, 3])),
        ready=False,
    )
    condition = draw(CONDITIONS)
    if condition != "unknown":
        backend.health.probed(True, 0.0, "ok")
    if condition in {"down", "warming"}:
        take_down(backend, 80.0)
    if condition == "warming":
        backend.health.probed(True, 90.0, "ok")
    if condition in {"open", "probing"}:
        trip(backend, 99.0 if condition == "open" else 97.0)
    if condition == "draining":
        backend.drain(50.0)
    for work in draw(st.lists(st.floats(0.0, 1e6), max_size=4)):
        backend.lease(work, 1.0, 50.0 if condition != "probing" else NOW)
    if draw(st.booleans()):
        backend.penalise(draw(st.sampled_from([None, 60.0])), 98.0)
    return backend


def fleets(most: int) -> st.SearchStrategy[list[Backend]]:
    return st.lists(backends(), max_size=most).map(
        lambda fleet: sorted(fleet, key=lambda backend: backend.priority)
    )


def eligible(fleet: list[Backend], tried: list[Backend]) -> list[Backend]:
    """Say by the plain rules who may be picked."""
    usable = [
        backend
        for backend in fleet
        if backend.health.ready
        and not backend.draining
        and backend.breaker.allows(NOW)
        and backend not in tried
        and (
            backend.cap is None
            or backend.in_flight < max(1, int(backend.cap * backend.slow_start(NOW)))
        )
    ]
    tier = min((backend.priority for backend in usable), default=0)
    return [backend for backend in usable if backend.priority == tier]


@given(
    fleet=fleets(6) | fleets(FULL_SCAN + 10),
    policy=st.sampled_from(Policy),
    data=st.data(),
    luck=st.randoms(),
)
def test_only_an_eligible_backend_is_ever_picked(
    fleet: list[Backend], policy: Policy, data: st.DataObject, luck: random.Random
) -> None:
    tried = data.draw(st.lists(st.sampled_from(fleet), max_size=3)) if fleet else []
    work = data.draw(st.sampled_from([0.0, 1.0, 5000.0]))

    chosen = Selector(policy, luck.random).pick(
        fleet, prompt_work=work, output_work=work, tried=tried, now=NOW
    )

    choices = eligible(fleet, tried)
    assert (chosen is None) == (not choices)
    if chosen is not None:
        assert chosen in choices


@given(fleet=fleets(FULL_SCAN), luck=st.randoms())
def test_nobody_eligible_has_less_work_than_the_one_picked(
    fleet: list[Backend], luck: random.Random
) -> None:
    chosen = Selector(Policy.WORK, luck.random).pick(
        fleet, prompt_work=100.0, output_work=50.0, tried=(), now=NOW
    )

    if chosen is not None:
        scores = {
            backend: (backend.load(NOW) + 150.0) / backend.pull for backend in eligible(fleet, [])
        }
        assert scores[chosen] == min(scores.values())


# -- in simulated time -----------------------------------------------------------------------

FAULTS = {
    "error 500": (False, False, None),
    "connection refused": (True, False, None),
    "429": (False, True, None),
    "429, come back in a second": (False, True, 1.0),
    "429, come back at once": (False, True, 0.0),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("policy", [Policy.WORK, Policy.LEAST_CONNECTIONS])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_backend_that_fails_fast_gets_a_hundredth_at_most(
    fault: str, policy: Policy, seed: int
) -> None:
    cluster = Cluster(policy, seed)
    bad = cluster.fleet[0]
    cluster.refuses[bad] = FAULTS[fault]

    cluster.run(seconds=100.0, rate=20.0)

    shares = cluster.shares(since=10.0)
    assert shares[bad] <= 0.01 * shares.total()


@pytest.mark.parametrize("seed", range(3))
def test_without_a_breaker_the_penalty_alone_keeps_it_unattractive(seed: int) -> None:
    """A low success rate may not open more than half: then only the penalty is left."""
    cluster = Cluster(Policy.WORK, seed)
    bad = cluster.fleet[0]
    bad.breaker.may_trip_softly = lambda: False
    cluster.refuses[bad] = FAULTS["429"]

    cluster.run(seconds=100.0, rate=20.0)

    shares = cluster.shares(since=10.0)
    assert shares[bad] <= 0.01 * shares.total()


@pytest.mark.parametrize("seed", range(3))
def test_a_backend_that_works_again_gets_its_share_back(seed: int) -> None:
    cluster = Cluster(Policy.WORK, seed)
    bad = cluster.fleet[0]
    cluster.refuses[bad] = FAULTS["error 500"]
    cluster.at(20.0, lambda _: cluster.refuses.clear())

    cluster.run(seconds=140.0, rate=20.0)

    shares = cluster.shares(since=100.0)
    assert shares[bad] >= 0.5 * shares.total() / len(cluster.fleet)


@pytest.mark.parametrize("cap", [None, 200])
@pytest.mark.parametrize("policy", [Policy.WORK, Policy.LEAST_CONNECTIONS])
def test_all_that_waited_do_not_come_to_a_recovered_backend_together(
    policy: Policy, cap: int | None
) -> None:
    cluster = Cluster(policy, 1, size=1)
    (bad,) = cluster.fleet
    bad.rank(weight=1.0, priority=0, cap=cap)
    take_down(bad, 10.0)
    bad.health.probed(True, 20.0, "back")
    most = {}

    for second in range(20, 56, 5):  # a thousand wait, none of those that began has ended
        while cluster.selector.pick(
            cluster.fleet, prompt_work=1.0, output_work=1.0, tried=(), now=float(second)
        ) and (bad.in_flight < 1000):
            bad.lease(1.0, 1.0, float(second))
        most[second] = bad.in_flight

    assert most[20] <= 20
    assert most[25] <= 100
    assert most[50] == (cap or 1000)


@pytest.mark.parametrize("seed", range(3))
def test_one_silently_slow_backend_does_not_dominate(seed: int) -> None:
    def tail(policy: Policy) -> tuple[float, float]:
        cluster = Cluster(policy, seed)
        cluster.slowness[cluster.fleet[0]] = 3.0
        cluster.run(seconds=120.0, rate=20.0)
        shares = cluster.shares(since=20.0)
        waits = sorted(cluster.waits)
        return shares[cluster.fleet[0]] / shares.total(), waits[int(len(waits) * 0.99)]

    share, by_work = tail(Policy.WORK)
    _, in_turn = tail(Policy.ROUND_ROBIN)

    assert share < 0.75 / 8  # clearly less than an equal share, without anybody having told
    assert by_work < 0.7 * in_turn
