"""Health over every state and event, and over any order of checks, suspicions and orders."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.health import NEXT, Event, Health, Policy, State

USABLE = {State.READY, State.FAILING}
POLICY = Policy(rise=2)


def in_state(state: State) -> Health:
    health = Health(POLICY)
    checks = {
        State.UNKNOWN: "",
        State.STARTING: "-",
        State.READY: "++",
        State.FAILING: "++-",
        State.DOWN: "++--",
        State.DRAINING: "++",
    }[state]
    for check in checks:
        health.probed(check == "+", 1.0, "")
    if state is State.DRAINING:
        health.drain(1.0)
    assert health.state is state
    return health


def cause(health: Health, event: Event) -> None:
    """Set the counts so that the next finding is that event, and let it happen."""
    health._successes = POLICY.rise - 1 if event is Event.PASSED else 0
    health._failures = POLICY.fall - 1 if event is Event.FAILED else 0
    if event is Event.SUSPECTED:
        health.suspect(2.0)
    elif event is Event.DRAINED:
        health.drain(2.0)
    elif event is Event.RESUMED:
        health.resume(2.0)
    else:
        health.probed(event in {Event.PASSED, Event.PASSING}, 2.0, "")


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_state_and_event(state: State, event: Event) -> None:
    health = in_state(state)

    cause(health, event)

    assert health.state is NEXT[state, event]
    assert health.ready == (health.state in USABLE)
    assert (health.since == 2.0) == (health.state is not state)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ok", "bad", "suspect", "drain", "resume"]),
        st.floats(0.0, 10.0),
        st.floats(0.0, 0.999),
    ),
    max_size=60,
)


@given(steps=STEPS, fall=st.integers(1, 4), rise=st.integers(1, 4))
def test_any_order(steps: list[tuple[str, float, float]], fall: int, rise: int) -> None:
    spread = [0.5]
    policy = Policy(fall=fall, rise=rise)
    health = Health(policy, lambda: spread[0])
    now, row = 0.0, 0
    for what, seconds, spread[0] in steps:
        now += seconds
        was = health.ready
        if what == "suspect":
            health.suspect(now)
            assert health.ready == was
        elif what == "drain":
            health.drain(now)
            assert not health.ready
        elif what == "resume":
            health.resume(now)
            assert health.ready == was
        else:
            assert health.probed(what == "ok", now, "") == (health.ready != was)
            row = row + 1 if what == "bad" else 0
            assert now + 0.8 <= health.next_probe_at <= now + 6.0
            if row >= fall:
                assert not health.ready
            if what == "ok" and rise == 1:
                assert health.ready or health.state is State.DRAINING
        assert health.ready == (health.state in USABLE)
        assert health.next_probe_at <= now + 6.0, "checked again soon, whatever happens"
