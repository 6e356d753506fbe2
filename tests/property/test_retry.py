"""Retry decisions over every kind and phase, and the amplification a budget allows."""

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.retry import TABLE, Budget, Cost, Policy, cost, decide

CLIENTS_AND_OURS = {
    Kind.BAD_REQUEST, Kind.BAD_JSON, Kind.TOO_LARGE, Kind.UNSUPPORTED_CODING, Kind.REQUEST_TIMEOUT,
    Kind.UNKNOWN_MODEL, Kind.UNKNOWN_PATH, Kind.UNKNOWN_BACKEND, Kind.METHOD, Kind.CLIENT_GONE,
    Kind.SLOW_READER, Kind.QUEUE_FULL, Kind.QUEUE_TIMEOUT, Kind.NO_BACKEND, Kind.DRAINING,
    Kind.INTERNAL,
}  # fmt: skip


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_and_phase(kind: Kind) -> None:
    for phase, retryable, free in product(Phase, (False, True), (False, True)):
        price = cost(
            Failure(
                kind=kind,
                origin=Origin.BACKEND,
                phase=phase,
                detail="x",
                retryable=retryable,
                free=free,
            )
        )

        listed = TABLE.get((kind, phase), Cost.NEVER)
        if not retryable or listed is Cost.NEVER:
            assert price is Cost.NEVER
        elif free:
            assert price is Cost.FREE
        else:
            assert price is listed
        if phase in {Phase.READ, Phase.QUEUE} or kind in CLIENTS_AND_OURS:
            assert price is Cost.NEVER


FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(Kind),
    origin=st.just(Origin.BACKEND),
    phase=st.sampled_from(Phase),
    detail=st.just("x"),
    retryable=st.booleans(),
    free=st.booleans(),
    status=st.sampled_from([None, 400, 429, 500, 503]),
    condition=st.sampled_from(["", "overloaded", "dead"]),
)


@given(
    failure=FAILURES,
    attempts=st.integers(1, 12),
    candidates_left=st.integers(0, 3),
    calm=st.booleans(),
    killed=st.integers(0, 3),
    deadline=st.sampled_from([0.0, 0.5, 5.1, 20.0]),
    retries=st.integers(0, 6),
    luck=st.floats(0.0, 0.999),
)
def test_what_no_decision_ever_does(
    *,
    failure: Failure,
    attempts: int,
    candidates_left: int,
    calm: bool,
    killed: int,
    deadline: float,
    retries: int,
    luck: float,
) -> None:
    budget = Budget(Policy())
    budget.retries = retries

    decision = decide(
        failure,
        attempts=attempts,
        budget=budget,
        candidates_left=candidates_left,
        calm=calm,
        killed=killed,
        now=5.0,
        deadline=deadline,
        random=lambda: luck,
    )

    assert decision.reason
    assert budget.retries == retries
    if not decision.retry:
        assert decision.delay == 0.0
        return
    assert failure.retryable
    assert failure.phase in {Phase.CONNECT, Phase.WAIT, Phase.STREAM}
    assert killed < 2
    assert candidates_left or decision.same_backend
    assert 0.0 <= decision.delay <= 0.25
    assert not deadline or 5.0 + decision.delay < deadline
    if decision.budgeted:
        assert attempts <= 2
        assert retries < budget.limit
    elif decision.reason in {Cost.LOST, Cost.SPILL}:
        assert attempts <= 2
        assert calm or decision.reason == Cost.LOST
    else:
        assert attempts <= 8
        assert decision.delay == 0.0


@given(failing=st.floats(0.0, 1.0), calls=st.integers(20, 120), randomness=st.randoms())
def test_an_outage_is_answered_by_a_fifth_more_requests_at_most(
    failing: float, calls: int, randomness: Random
) -> None:
    """All calls are in flight at once and every retry stays out until the end: the worst case."""
    draw = randomness.random
    budget = Budget(Policy())
    budget.in_flight = calls
    failure = Failure(
        kind=Kind.STATUS,
        origin=Origin.BACKEND,
        phase=Phase.WAIT,
        detail="x",
        retryable=True,
        status=503,
    )

    sent = 0
    for _ in range(calls):
        for attempts in range(1, 10):
            sent += 1
            if (
                draw() >= failing
                or not decide(
                    failure,
                    attempts=attempts,
                    budget=budget,
                    candidates_left=5,
                    calm=False,
                    killed=0,
                    now=0.0,
                    deadline=0.0,
                    random=draw,
                ).retry
            ):
                break
            budget.take()

    assert sent <= calls + max(3, calls // 5)
