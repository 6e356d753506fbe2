"""Requests are built ahead within the budget, and handed out whether they were or not."""

from benchmarks.client.messages import Messages
from benchmarks.client.target import Target
from benchmarks.load.planned import Planned, Schedule

TARGET = Target(name="t", url="http://h", model="m")


def messages(count: int, budget: int) -> Messages:
    requests = {at: Planned(at=float(at), input_tokens=100, output_tokens=1) for at in range(count)}
    schedule = Schedule(requests=tuple(requests.values()), span=1.0)
    return Messages(TARGET, schedule, requests, budget=budget)


def test_a_request_is_the_same_built_ahead_or_not() -> None:
    ahead, late = messages(3, 1 << 20), messages(3, 1 << 20)
    ahead.fill(at_once=True)

    assert [ahead(at) for at in range(3)] == [late(at) for at in range(3)]
    assert ahead(0).startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")


def test_the_budget_bounds_what_is_held() -> None:
    some = messages(10, 1000)
    some.fill(at_once=True)
    assert len(some._built) == 2

    some(0)
    some.fill(at_once=True)
    assert sorted(some._built) == [1, 2]
