"""Retry: which failures are tried again, at what price, how soon, and when it stops."""

import pytest

from proxy.core.breaker import Blame
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.retry import Budget, Cost, Decision, Policy, classify_status, cost, decide, kills


def failure(
    kind: Kind = Kind.STATUS,
    phase: Phase = Phase.WAIT,
    *,
    retryable: bool = True,
    free: bool = False,
    status: int | None = None,
    condition: str = "",
) -> Failure:
    return Failure(
        kind=kind,
        origin=Origin.BACKEND,
        phase=phase,
        detail="x",
        retryable=retryable,
        free=free,
        status=status,
        condition=condition,
    )


REFUSED = failure(Kind.CONNECT_REFUSED, Phase.CONNECT, free=True)
STALE = failure(Kind.CLOSED, free=True)
UNAVAILABLE = failure(status=503)


def ask(
    met: Failure,
    *,
    attempts: int = 1,
    budget: Budget | None = None,
    candidates_left: int = 1,
    calm: bool = False,
    killed: int = 0,
    now: float = 100.0,
    deadline: float = 0.0,
    luck: float = 0.5,
) -> Decision:
    return decide(
        met,
        attempts=attempts,
        budget=budget or Budget(Policy()),
        candidates_left=candidates_left,
        calm=calm,
        killed=killed,
        now=now,
        deadline=deadline,
        random=lambda: luck,
    )


def test_an_unavailable_backend_is_followed_by_another_within_the_budget() -> None:
    decision = ask(UNAVAILABLE)

    assert decision.retry
    assert decision.budgeted
    assert not decision.same_backend


def test_a_burst_that_meets_a_full_engine_moves_at_once_while_another_is_calm() -> None:
    full = failure(status=503, condition="overloaded")
    spent = Budget(Policy())
    spent.retries = 99

    decision = ask(full, calm=True, budget=spent)

    assert (decision.retry, decision.budgeted, decision.delay) == (True, False, 0.0)
    assert not ask(full, calm=False, budget=spent).retry
    assert not ask(UNAVAILABLE, calm=True, budget=spent).retry
    assert not ask(full, calm=True, attempts=3).retry
    assert not ask(full, calm=True, candidates_left=0).retry


def test_a_refused_connection_costs_nothing_and_does_not_wait() -> None:
    decision = ask(REFUSED)

    assert decision.retry
    assert not decision.budgeted
    assert decision.delay == 0.0
    assert not decision.same_backend


def test_a_stale_connection_may_be_replaced_at_the_only_backend() -> None:
    decision = ask(STALE, candidates_left=0)

    assert decision.retry
    assert decision.same_backend
    assert not decision.budgeted


def test_where_nothing_listens_and_no_backend_is_left_the_call_waits() -> None:
    decision = ask(REFUSED, candidates_left=0)

    assert (decision.retry, decision.wait) == (True, True)
    assert not ask(REFUSED).wait
    assert not ask(REFUSED, candidates_left=0, attempts=99).retry


def test_otherwise_another_backend_is_needed() -> None:
    decision = ask(UNAVAILABLE, candidates_left=0)

    assert not decision.retry
    assert decision.reason == "no other backend"


def test_what_is_not_retryable_is_not_retried() -> None:
    assert not ask(failure(status=503, retryable=False)).retry


@pytest.mark.parametrize("kind", [Kind.CLOSED, Kind.TRUNCATED, Kind.IDLE_TIMEOUT])
def test_nothing_is_retried_once_the_answer_has_begun(kind: Kind) -> None:
    assert not ask(failure(kind, Phase.STREAM, free=True, retryable=False)).retry


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.TRUNCATED, Cost.LOST),
        (Kind.BAD_RESPONSE, Cost.BUDGETED),
        (Kind.ERROR_EVENT, Cost.BUDGETED),
        (Kind.IDLE_TIMEOUT, Cost.BUDGETED),
        (Kind.TOTAL_TIMEOUT, Cost.NEVER),
        (Kind.SLOW_READER, Cost.NEVER),
    ],
)
def test_a_stream_that_can_be_gone_on_with_costs_what_its_engine_lost(
    kind: Kind, expected: Cost
) -> None:
    assert cost(failure(kind, Phase.STREAM)) is expected


def test_two_extra_tries_at_most() -> None:
    assert [ask(UNAVAILABLE, attempts=n).retry for n in (1, 2, 3)] == [True, True, False]


def test_free_tries_may_pass_more_dead_backends() -> None:
    assert [ask(REFUSED, attempts=n).retry for n in (3, 8, 9)] == [True, True, False]


def test_a_server_error_is_tried_elsewhere_once() -> None:
    broken = failure(status=500)

    assert ask(broken, attempts=1).retry
    assert not ask(broken, attempts=2).retry


def test_a_request_that_engines_died_of_twice_stops() -> None:
    died = failure(Kind.CLOSED)

    assert ask(died, killed=1).retry
    assert not ask(died, attempts=2, killed=2).retry


def test_calls_whose_engine_died_move_though_the_budget_is_used_up() -> None:
    budget = Budget(Policy())
    budget.retries = budget.limit

    decision = ask(failure(Kind.CLOSED), budget=budget)

    assert decision.retry
    assert not decision.budgeted
    assert not decision.same_backend
    assert decision.delay > 0
    assert not ask(UNAVAILABLE, budget=budget).retry
    assert [ask(failure(Kind.CLOSED), attempts=n).retry for n in (2, 3)] == [True, False]


@pytest.mark.parametrize(
    ("met", "expected"),
    [
        (failure(Kind.CLOSED), True),
        (failure(Kind.TRUNCATED), True),
        (failure(Kind.CLOSED, Phase.STREAM), True),
        (STALE, False),
        (REFUSED, False),
        (failure(Kind.CLOSED, Phase.CONNECT), False),
        (UNAVAILABLE, False),
        (failure(Kind.FIRST_TOKEN_TIMEOUT), False),
    ],
)
def test_kills(met: Failure, expected: bool) -> None:
    assert kills(met) is expected


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, 0.025), (2, 0.05), (3, 0.1), (4, 0.2), (5, 0.25), (9, 0.25)]
)
def test_the_wait_is_drawn_below_a_growing_bound(attempts: int, longest: float) -> None:
    budget = Budget(Policy(max_extra=99))

    assert ask(UNAVAILABLE, attempts=attempts, budget=budget, luck=0.0).delay == 0.0
    assert ask(UNAVAILABLE, attempts=attempts, budget=budget, luck=0.5).delay == longest / 2


def test_no_try_begins_after_the_deadline() -> None:
    assert not ask(REFUSED, deadline=100.0).retry
    assert ask(REFUSED, deadline=100.001).retry
    assert not ask(UNAVAILABLE, deadline=100.01, luck=0.9).retry
    assert ask(UNAVAILABLE, deadline=0.0, luck=0.9).retry


# -- budget -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("in_flight", "limit"), [(0, 3), (10, 3), (15, 3), (20, 4), (1000, 200)])
def test_the_budget_follows_the_traffic(in_flight: int, limit: int) -> None:
    budget = Budget(Policy())
    budget.in_flight = in_flight

    assert budget.limit == limit


def test_a_used_up_budget_stops_budgeted_retries_only() -> None:
    budget = Budget(Policy())
    for _ in range(3):
        assert ask(UNAVAILABLE, budget=budget).retry
        budget.take()

    assert ask(UNAVAILABLE, budget=budget).reason == "retry budget used up"
    assert ask(REFUSED, budget=budget).retry
    budget.give()

    assert ask(UNAVAILABLE, budget=budget).retry


def test_calls_that_ended_no_longer_count() -> None:
    budget = Budget(Policy())
    budget.in_flight += 100
    assert budget.limit == 20
    budget.in_flight -= 60

    assert budget.limit == 8
    assert "0 of 8" in repr(budget)


# -- classification ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 504, 529])
def test_statuses_another_backend_may_do_better_than(status: int) -> None:
    assert classify_status(status).retryable


@pytest.mark.parametrize("status", [200, 301, 400, 404, 408, 409, 413, 422, 501, 505])
def test_statuses_that_are_the_answer(status: int) -> None:
    assert not classify_status(status).retryable
    assert classify_status(status).blame is Blame.NONE


def test_being_told_to_wait_is_no_breakage() -> None:
    assert classify_status(503).blame is Blame.PLAIN
    assert classify_status(503, retry_after=1.0).blame is Blame.SOFT
    assert classify_status(429).blame is Blame.SOFT


@pytest.mark.parametrize(
    ("met", "expected"),
    [
        (REFUSED, Cost.FREE),
        (failure(Kind.CONNECT_TIMEOUT, Phase.CONNECT), Cost.FREE),
        (STALE, Cost.FREE),
        (failure(Kind.CLOSED), Cost.LOST),
        (failure(Kind.TRUNCATED), Cost.BUDGETED),
        (failure(Kind.FIRST_TOKEN_TIMEOUT), Cost.BUDGETED),
        (failure(Kind.TOTAL_TIMEOUT), Cost.NEVER),
        (failure(Kind.CLIENT_GONE), Cost.NEVER),
        (failure(Kind.TOTAL_TIMEOUT, free=True), Cost.NEVER),
    ],
)
def test_cost(met: Failure, expected: Cost) -> None:
    assert cost(met) is expected
