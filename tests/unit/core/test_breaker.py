"""The breaker: what trips it, how long it stays open, who may probe, whose results count."""

import pytest

from proxy.core.breaker import (
    UNTRACKED,
    Blame,
    Breaker,
    Policy,
    State,
    blame,
    blame_of_status,
)
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.profile import Condition
from tests.fixtures.fleet import middle


def make(jitter: float = 0.5, **changes: float) -> Breaker:
    return Breaker(Policy(**changes), lambda: jitter)  # type: ignore[arg-type]


def fail(breaker: Breaker, times: int, now: float, *, hard: bool = False) -> None:
    for _ in range(times):
        breaker.failed(breaker.admit(now), now, hard=hard)


def opened(now: float = 0.0, jitter: float = 0.5) -> Breaker:
    breaker = make(jitter)
    fail(breaker, 5, now)
    assert breaker.state(now) is State.OPEN
    return breaker


def test_five_failures_in_a_row_trip_it() -> None:
    breaker = make()

    fail(breaker, 4, 1.0)
    assert breaker.state(1.0) is State.CLOSED
    fail(breaker, 1, 1.0)

    assert breaker.state(1.0) is State.OPEN
    assert not breaker.closed
    assert breaker.opened_count == 1


def test_three_refused_connections_trip_it() -> None:
    breaker = make()

    fail(breaker, 2, 1.0, hard=True)
    assert breaker.closed
    fail(breaker, 1, 1.0, hard=True)

    assert not breaker.closed


def test_a_success_ends_the_row() -> None:
    breaker = make(samples=1000)

    for _ in range(20):
        fail(breaker, 4, 1.0)
        breaker.succeeded(breaker.admit(1.0), 1.0)

    assert breaker.closed
    assert breaker.run == 0


def test_refusals_need_not_share_their_row_with_other_failures() -> None:
    breaker = make()

    fail(breaker, 2, 1.0, hard=True)
    fail(breaker, 1, 1.0)
    fail(breaker, 1, 1.0, hard=True)

    assert breaker.closed  # four in a row, but only one refusal since the other failure


def test_a_low_success_rate_trips_it_once_there_are_ten_samples() -> None:
    breaker = make()
    for _ in range(7):
        breaker.succeeded(breaker.admit(1.0), 1.0)

    for _ in range(2):
        breaker.failed(breaker.admit(1.0), 1.0, hard=False, soft=True)
    assert breaker.closed
    breaker.failed(breaker.admit(1.0), 1.0, hard=False, soft=True)

    assert not breaker.closed  # 7 of 10 is below 80 %


def test_soft_failures_alone_do_not_count_in_a_row() -> None:
    breaker = make()
    for _ in range(100):
        breaker.succeeded(breaker.admit(1.0), 1.0)

    for _ in range(25):
        breaker.failed(breaker.admit(1.0), 1.0, hard=False, soft=True)

    assert breaker.closed  # 100 of 125 is exactly 80 %
    assert breaker.run == 25


def test_what_is_older_than_the_window_is_forgotten() -> None:
    breaker = make()
    for _ in range(9):
        breaker.failed(breaker.admit(0.0), 0.0, hard=False, soft=True)

    breaker.failed(breaker.admit(10.5), 10.5, hard=False, soft=True)

    assert breaker.closed


def test_what_is_within_the_window_is_remembered() -> None:
    breaker = make()
    for moment in range(9):
        breaker.failed(breaker.admit(moment), moment, hard=False, soft=True)

    breaker.failed(breaker.admit(9.0), 9.0, hard=False, soft=True)

    assert not breaker.closed


def test_a_low_rate_asks_before_it_trips_but_a_row_does_not() -> None:
    breaker = make()
    breaker.may_trip_softly = lambda: False

    for _ in range(50):
        breaker.failed(breaker.admit(1.0), 1.0, hard=False, soft=True)
    assert breaker.closed
    fail(breaker, 5, 1.0)

    assert not breaker.closed


def test_it_stays_open_for_two_seconds_and_then_admits_one_probe() -> None:
    breaker = opened(10.0)

    assert breaker.next_probe_at == 12.0
    assert not breaker.allows(11.9)
    assert breaker.admit(11.9) == UNTRACKED
    assert breaker.state(12.0) is State.HALF_OPEN
    assert breaker.allows(12.0)
    assert breaker.admit(12.0) != UNTRACKED
    assert not breaker.allows(12.0)
    assert breaker.admit(12.0) == UNTRACKED


def test_a_good_probe_closes_it() -> None:
    breaker = opened()

    breaker.succeeded(breaker.admit(2.0), 2.5)

    assert breaker.state(2.5) is State.CLOSED
    assert breaker.next_probe_at is None
    assert breaker.recovered_at == 2.5


@pytest.mark.parametrize("soft", [False, True])
def test_a_bad_probe_opens_it_for_twice_as_long(soft: bool) -> None:
    breaker = opened()

    breaker.failed(breaker.admit(2.0), 3.0, hard=False, soft=soft)

    assert breaker.state(3.0) is State.OPEN
    assert breaker.next_probe_at == 7.0
    assert breaker.opened_count == 2


def test_the_open_time_is_capped() -> None:
    breaker = opened()

    now = 0.0
    for _ in range(50):
        now = breaker.next_probe_at or now
        breaker.failed(breaker.admit(now), now, hard=False)

    assert breaker.next_probe_at == now + 60.0


@pytest.mark.parametrize(("jitter", "waits"), [(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)])
def test_the_open_time_is_spread_by_half(jitter: float, waits: float) -> None:
    assert opened(0.0, jitter).next_probe_at == waits


def test_the_doubling_is_taken_back_step_by_step_while_healthy() -> None:
    breaker = opened()
    breaker.failed(breaker.admit(2.0), 2.0, hard=False)  # 4 s
    breaker.failed(breaker.admit(6.0), 6.0, hard=False)  # 8 s
    breaker.succeeded(breaker.admit(14.0), 14.0)

    fail(breaker, 5, 14.0 + 61.0)  # two healthy intervals: the fourth time is 4 s instead of 16 s

    assert breaker.next_probe_at == 75.0 + 4.0


def test_a_probe_that_never_ends_loses_its_place() -> None:
    breaker = opened()
    lost = breaker.admit(2.0)

    assert not breaker.allows(601.9)
    assert breaker.allows(602.0)
    second = breaker.admit(602.0)
    breaker.succeeded(lost, 602.5)

    assert breaker.state(602.5) is State.HALF_OPEN  # the lost one says nothing any more
    breaker.succeeded(second, 603.0)
    assert breaker.closed


def test_an_abandoned_probe_frees_its_place_without_a_verdict() -> None:
    breaker = opened()
    token = breaker.admit(2.0)

    breaker.abandoned(token, 2.2)

    assert breaker.state(2.2) is State.HALF_OPEN
    assert breaker.allows(2.2)
    assert breaker.opened_count == 1


def test_a_verdict_counts_after_its_place_was_freed() -> None:
    breaker = opened()
    token = breaker.admit(2.0)
    breaker.abandoned(token, 2.2)

    breaker.failed(token, 2.2, hard=False)

    assert breaker.state(2.2) is State.OPEN


def test_abandoning_while_closed_says_nothing() -> None:
    breaker = make()

    for _ in range(20):
        breaker.abandoned(breaker.admit(1.0), 1.0)

    assert breaker.closed


def test_late_results_from_before_the_trip_are_ignored() -> None:
    breaker = make()
    early = breaker.admit(0.0)
    fail(breaker, 5, 1.0)

    breaker.succeeded(early, 1.5)
    assert breaker.state(1.5) is State.OPEN
    breaker.failed(early, 1.5, hard=False)

    assert breaker.opened_count == 1
    assert breaker.next_probe_at == 3.0


def test_a_late_failure_from_before_the_recovery_does_not_count() -> None:
    breaker = make()
    early = [breaker.admit(0.0) for _ in range(9)]
    fail(breaker, 5, 1.0)
    breaker.succeeded(breaker.admit(3.0), 3.1)

    for token in early:
        breaker.failed(token, 3.2, hard=False)

    assert breaker.closed


def test_recovery_waives_the_doubling_but_not_the_first_wait() -> None:
    breaker = opened()
    breaker.failed(breaker.admit(2.0), 2.0, hard=False)
    breaker.failed(breaker.admit(6.0), 6.0, hard=False)
    assert breaker.next_probe_at == 14.0

    breaker.recovered(6.5)
    assert breaker.next_probe_at == 8.0
    breaker.recovered(9.0)

    assert breaker.next_probe_at == 8.0


def test_recovery_of_a_closed_breaker_means_nothing() -> None:
    breaker = make()

    breaker.recovered(1.0)

    assert breaker.next_probe_at is None


def test_changes_are_announced_once_each() -> None:
    breaker = make()
    seen: list[State] = []
    breaker.on_change = lambda: seen.append(breaker.state(0.0))

    fail(breaker, 5, 0.0)
    token = breaker.admit(2.0)
    breaker.succeeded(token, 2.0)

    assert seen == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_repr_shows_state_and_evidence() -> None:
    assert "open" in repr(opened())


# -- blame ------------------------------------------------------------------------------------


def failure(kind: Kind, origin: Origin = Origin.BACKEND, **more: object) -> Failure:
    return Failure(kind=kind, origin=origin, phase=Phase.WAIT, detail="x", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("met", "expected"),
    [
        (failure(Kind.CONNECT_REFUSED), Blame.HARD),
        (failure(Kind.CONNECT_TIMEOUT), Blame.PLAIN),
        (failure(Kind.CONNECT_FAILED), Blame.PLAIN),
        (failure(Kind.CLOSED), Blame.PLAIN),
        (failure(Kind.CLOSED, free=True), Blame.NONE),
        (failure(Kind.BAD_RESPONSE), Blame.PLAIN),
        (failure(Kind.TRUNCATED), Blame.PLAIN),
        (failure(Kind.STATUS, status=500), Blame.PLAIN),
        (failure(Kind.STATUS, status=503), Blame.PLAIN),
        (failure(Kind.STATUS, status=503, retry_after=2.0), Blame.SOFT),
        (failure(Kind.STATUS, status=429), Blame.SOFT),
        (failure(Kind.STATUS, status=401), Blame.SOFT),
        (failure(Kind.STATUS, status=403), Blame.SOFT),
        (failure(Kind.STATUS, status=404), Blame.NONE),
        (failure(Kind.ERROR_EVENT), Blame.PLAIN),
        (failure(Kind.ERROR_EVENT, status=400), Blame.NONE),
        (failure(Kind.ERROR_EVENT, status=429), Blame.SOFT),
        (failure(Kind.FIRST_TOKEN_TIMEOUT, Origin.DEADLINE), Blame.PLAIN),
        (failure(Kind.IDLE_TIMEOUT, Origin.DEADLINE), Blame.PLAIN),
        (failure(Kind.TOTAL_TIMEOUT, Origin.DEADLINE), Blame.NONE),
        (failure(Kind.CLIENT_GONE, Origin.CLIENT), Blame.NONE),
        (failure(Kind.SLOW_READER, Origin.CLIENT), Blame.NONE),
        (failure(Kind.QUEUE_FULL, Origin.PROXY), Blame.NONE),
    ],
)
def test_blame(met: Failure, expected: Blame) -> None:
    assert blame(met) is expected


def test_every_condition_of_a_profile_has_its_blame_whatever_the_status() -> None:
    weights = {
        condition: blame(failure(Kind.STATUS, status=503, condition=condition.value))
        for condition in Condition
    }

    assert weights[Condition.DEAD] is Blame.HARD
    soft = {condition for condition, weight in weights.items() if weight is Blame.SOFT}
    assert soft == {Condition.AUTH, Condition.OVERLOADED}
    assert list(weights.values()).count(Blame.NONE) == len(Condition) - 3


@pytest.mark.parametrize("status", [200, 400, 404, 408, 413, 422, 499, 501, 505])
def test_a_status_that_is_not_the_backends_fault(status: int) -> None:
    assert blame_of_status(status, told_to_wait=False) is Blame.NONE


def test_default_policy_needs_no_arguments() -> None:
    assert Breaker(Policy(), middle).closed
