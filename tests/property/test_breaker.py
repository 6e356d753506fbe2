"""The breaker over every state and event, and over any order of requests, results and waits."""

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxy.core.breaker import NEXT, UNTRACKED, Breaker, Event, Policy, State


def in_state(state: State) -> tuple[Breaker, int, float]:
    """Return a breaker in that state, a token of its present era (if anybody has one), the time."""
    breaker = Breaker(Policy(), lambda: 0.5)
    if state is State.CLOSED:
        return breaker, breaker.admit(0.0), 0.0
    for _ in range(5):
        breaker.failed(breaker.admit(0.0), 0.0, hard=False)
    if state is State.OPEN:
        return breaker, breaker.admit(1.0), 1.0
    return breaker, breaker.admit(2.0), 2.0


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_state_and_event(state: State, event: Event) -> None:
    breaker, token, now = in_state(state)
    assert breaker.state(now) is state

    if event is Event.PASSED:
        breaker.succeeded(token, now)
    elif event is Event.TRIPPED:
        for _ in range(5):
            breaker.failed(token, now, hard=False)
    else:
        now = max(now, breaker.next_probe_at or now) if state is State.OPEN else now
        breaker.admit(now)

    assert breaker.state(now) is NEXT[state, event]


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order, the promises of the module hold."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.jitter = 0.5
        self.breaker = Breaker(Policy(probe_timeout=20.0), lambda: self.jitter)
        self.tokens: list[int] = []
        self.probe: int | None = None  # the token that is out as probe, with a place

    @rule(seconds=st.floats(0.0, 40.0), jitter=st.floats(0.0, 0.999))
    def time_passes(self, seconds: float, jitter: float) -> None:
        self.now += seconds
        self.jitter = jitter

    @rule()
    def admit(self) -> None:
        allowed, before = self.breaker.allows(self.now), self.breaker.state(self.now)
        token = self.breaker.admit(self.now)
        assert (token != UNTRACKED) == allowed
        if before is State.CLOSED:
            assert allowed
        elif token != UNTRACKED:
            assert before is State.HALF_OPEN
            assert not self.breaker.allows(self.now), "a second probe beside the first"
            assert token not in self.tokens
        self.tokens.append(token)

    @rule(data=st.data(), hard=st.booleans(), soft=st.booleans())
    def fail(self, data: st.DataObject, hard: bool, soft: bool) -> None:
        self._report(data, lambda token: self.breaker.failed(token, self.now, hard=hard, soft=soft))

    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        before = self.breaker.opened_count
        self._report(data, lambda token: self.breaker.succeeded(token, self.now))
        assert self.breaker.opened_count == before

    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        before = self.breaker.state(self.now)
        self._report(data, lambda token: self.breaker.abandoned(token, self.now))
        assert self.breaker.state(self.now) is before

    @rule()
    def recover(self) -> None:
        before = self.breaker.next_probe_at
        self.breaker.recovered(self.now)
        after = self.breaker.next_probe_at
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert after <= before

    def _report(self, data: st.DataObject, report: Callable[[int], None]) -> None:
        if not self.tokens:
            return
        token = data.draw(st.sampled_from(self.tokens))
        before = repr(self.breaker), self.breaker.next_probe_at
        stale = token != self.breaker._era
        report(token)
        if stale:
            assert (repr(self.breaker), self.breaker.next_probe_at) == before

    @invariant()
    def the_flag_is_the_state(self) -> None:
        breaker = self.breaker
        assert breaker.closed == (breaker.state(self.now) is State.CLOSED)
        assert breaker.closed == (breaker.next_probe_at is None)
        if breaker.closed:
            assert breaker.allows(self.now)
        if breaker.state(self.now) is State.OPEN:
            assert not breaker.allows(self.now)

    @invariant()
    def it_is_never_shut_for_good(self) -> None:
        at = self.breaker.next_probe_at
        if at is not None:
            assert self.breaker.allows(max(at, self.now))
            assert at <= self.now + 90.0  # 60 s and a half


TestAnyOrder = AnyOrder.TestCase
