"""Hedges over any order of calls and wishes: never more than was paid for."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.hedging import Allowance, Beginnings, Policy


@given(
    budget=st.floats(0.001, 0.5),
    steps=st.lists(st.sampled_from(["called", "slow"]), max_size=400),
)
def test_hedges_are_at_most_their_share_of_the_calls(budget: float, steps: list[str]) -> None:
    allowance, calls, hedges = Allowance(), 0, 0

    for step in steps:
        if step == "called":
            calls += 1
            allowance.called(budget)
        else:
            hedges += allowance.take()

        assert hedges <= budget * calls * (1.0 + 1e-6) + 1e-6


@given(seconds=st.lists(st.floats(0.0, 1e4), min_size=20, max_size=600))
def test_at_most_one_in_ten_of_what_it_was_learned_from_is_later(seconds: list[float]) -> None:
    beginnings = Beginnings()
    for each in seconds:
        beginnings.learn(each)

    late = beginnings.delay(Policy())

    assert late is not None
    assert min(seconds) <= late <= max(seconds)
