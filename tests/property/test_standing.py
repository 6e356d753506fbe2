"""Standing over every state and event, and over any order of them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.standing import NEXT, PASSED_OVER, Event, Policy, Standing, State

WAYS = {
    State.GOOD: (),
    State.SLOW: (Event.SLOW,),
    State.SILENT: (Event.SILENT,),
    State.UNSTEADY: (Event.UNSTEADY,),
    State.TRIAL: (Event.SLOW, Event.OVER),
}


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_state_and_event(state: State, event: Event) -> None:
    standing, policy = Standing(lambda: 0.5), Policy()
    for step in WAYS[state]:
        standing.take(step, 0.0, policy)
    assert standing.state is state

    changed = standing.take(event, 1.0, policy)

    assert standing.state is NEXT[state, event]
    assert changed is (standing.state is not state)
    assert standing.passed_over is (standing.state in PASSED_OVER)


STEPS = st.lists(st.tuples(st.sampled_from(Event), st.floats(0.0, 500.0)), max_size=40)
POLICIES = st.builds(
    Policy, hold=st.floats(0.1, 60.0), max_hold=st.floats(60.0, 600.0), jitter=st.floats(0.0, 0.5)
)


@given(steps=STEPS, policy=POLICIES, luck=st.randoms())
def test_nobody_is_held_for_longer_than_the_longest_hold(
    steps: list[tuple[Event, float]], policy: Policy, luck: object
) -> None:
    standing, now = Standing(luck.random), 0.0  # type: ignore[attr-defined]
    complaints = 0

    for event, seconds in steps:
        now += seconds
        if event is Event.OVER and not standing.over(now):
            continue
        standing.take(event, now, policy)

        complaints += event in {Event.SLOW, Event.SILENT, Event.UNSTEADY}
        if standing.passed_over:
            assert standing.until <= now + policy.max_hold * (1.0 + policy.jitter)
            assert standing.until >= standing.since
    assert sum(standing.counts.values()) <= complaints


@given(steps=STEPS)
def test_a_hold_is_always_followed_by_a_trial(steps: list[tuple[Event, float]]) -> None:
    standing, policy = Standing(lambda: 0.5), Policy()
    for event, now in sorted(steps, key=lambda step: step[1]):
        before = standing.state
        standing.take(event, now, policy)
        if before in PASSED_OVER and not standing.passed_over:
            assert (event, standing.state) == (Event.OVER, State.TRIAL)
        if standing.state is State.GOOD:
            assert before in {State.GOOD, State.TRIAL}
