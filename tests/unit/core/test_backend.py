"""A backend's account: leases, caps, penalties, slow start, and when it may be used."""

from collections.abc import Callable

import pytest

from proxy.core.backend import Backend
from proxy.core.standing import State
from tests.fixtures.fleet import make_backend, take_down, trip

# -- leases -----------------------------------------------------------------------------------


def test_a_lease_holds_its_work_until_it_is_given_back() -> None:
    backend = make_backend()

    lease = backend.lease(300.0, 100.0, 0.0)
    assert (backend.in_flight, backend.work) == (1, 400.0)
    lease.first_token()
    assert (backend.in_flight, backend.work) == (1, 100.0)
    lease.release()

    assert (backend.in_flight, backend.work) == (0, 0.0)


def test_each_step_of_a_lease_counts_once() -> None:
    backend = make_backend()
    other = backend.lease(1.0, 1.0, 0.0)
    lease = backend.lease(300.0, 100.0, 0.0)

    for _ in range(3):
        lease.first_token()
    for _ in range(3):
        lease.release()
        lease.first_token()

    assert (backend.in_flight, backend.work) == (1, 2.0)
    assert (backend.total_leases, backend.total_releases) == (2, 1)
    other.release()
    assert backend.total_releases == 2


def test_a_lease_given_back_without_a_first_token_returns_everything() -> None:
    backend = make_backend()
    kept = backend.lease(10.0, 5.0, 0.0)

    backend.lease(300.0, 100.0, 0.0).release()

    assert backend.work == 15.0
    kept.release()


def test_an_idle_backend_has_exactly_no_work() -> None:
    backend = make_backend()

    leases = [backend.lease(0.1 * n, 0.7 * n, 0.0) for n in range(1000)]
    for lease in leases:
        lease.first_token()
        lease.release()

    assert backend.work == 0.0


def test_a_lease_carries_the_breakers_token() -> None:
    backend = make_backend()

    lease = backend.lease(1.0, 1.0, 0.0)
    for _ in range(5):
        backend.breaker.failed(lease.token, 0.0, hard=False)

    assert not backend.breaker.closed


def test_a_probe_without_a_verdict_frees_its_place_when_released() -> None:
    backend = make_backend()
    trip(backend, 0.0)
    lease = backend.lease(1.0, 1.0, 2.5)
    assert not backend.available(2.5)

    lease.release()

    assert backend.available(2.5)


def test_a_verdict_may_come_after_the_release() -> None:
    backend = make_backend()
    trip(backend, 0.0)
    lease = backend.lease(1.0, 1.0, 2.5)

    lease.release()
    backend.breaker.succeeded(lease.token, 3.0)

    assert backend.breaker.closed


# -- room -------------------------------------------------------------------------------------


def test_without_a_cap_there_is_always_room() -> None:
    backend = make_backend()

    for _ in range(10_000):
        backend.lease(1.0, 1.0, 0.0)

    assert backend.effective_cap is None
    assert backend.has_room


def test_the_cap_bounds_what_is_in_flight() -> None:
    backend = make_backend(cap=2)

    first = backend.lease(1.0, 1.0, 0.0)
    assert backend.has_room
    backend.lease(1.0, 1.0, 0.0)
    full = backend.has_room
    first.release()

    assert not full
    assert backend.has_room


@pytest.mark.parametrize(("configured", "first", "then"), [(None, 4, None), (8, 8, 8)])
def test_a_learned_cap_holds_where_none_is_configured(
    configured: int | None, first: int, then: int | None
) -> None:
    backend = make_backend(cap=configured)
    backend.available(1.0)

    backend.learned_cap = 4
    assert (backend.cap, backend.effective_cap) == (configured, first)
    backend.learned_cap = None

    assert backend.effective_cap == then


# -- availability -----------------------------------------------------------------------------


def test_one_that_was_never_checked_is_not_available() -> None:
    assert not make_backend(ready=False).available(0.0)


OUTAGES: dict[str, Callable[[Backend], None]] = {
    "breaker": lambda backend: trip(backend, 1.0),
    "health": lambda backend: take_down(backend, 1.0),
    "drain": lambda backend: backend.drain(1.0),
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_seen_at_once(outage: str) -> None:
    backend = make_backend()
    assert backend.available(1.0)
    assert backend.settled

    OUTAGES[outage](backend)

    assert not backend.settled
    assert not backend.available(1.0)


def test_an_open_breaker_admits_one_request_after_its_time() -> None:
    backend = make_backend()
    trip(backend, 1.0)

    assert backend.available(3.0)
    backend.lease(1.0, 1.0, 3.0)

    assert not backend.available(3.0)


def test_a_drained_backend_returns_after_resume_and_a_good_check() -> None:
    backend = make_backend()
    backend.drain(1.0)
    assert backend.draining

    backend.resume(2.0)
    assert not backend.available(2.0)
    backend.health.probed(True, 2.1, "ok")

    assert backend.available(2.1)
    assert not backend.draining


def test_recovered_health_shortens_a_long_open_time() -> None:
    backend = make_backend()
    trip(backend, 0.0)
    for _ in range(4):
        probe_at = backend.breaker.next_probe_at
        assert probe_at is not None
        backend.breaker.failed(backend.breaker.admit(probe_at), probe_at, hard=True)
    take_down(backend, 31.0)
    assert (backend.breaker.next_probe_at or 0.0) > 60.0

    backend.health.probed(True, 33.0, "back")

    assert backend.available(33.0)


# -- penalties --------------------------------------------------------------------------------


def fail(backend: Backend, now: float, seconds: float | None = None, *, soft: bool = True) -> None:
    """Let one request fail the way `flow` reports it."""
    lease = backend.lease(50.0, 50.0, now)
    lease.release()
    backend.breaker.failed(lease.token, now, hard=False, soft=soft)
    backend.penalise(seconds, now)


def typical(backend: Backend) -> Backend:
    """Let it see requests of 100 tokens until that is what it takes for usual."""
    for _ in range(500):
        backend.lease(50.0, 50.0, 0.0).release()
    return backend


def test_a_failure_adds_four_typical_requests_for_five_seconds() -> None:
    backend = typical(make_backend())

    fail(backend, 10.0)

    assert backend.load(10.0) == pytest.approx(400.0)
    assert backend.load(12.5) == pytest.approx(200.0)
    assert backend.load(15.0) == 0.0
    assert backend.settled


def test_it_lasts_as_long_as_the_engine_says() -> None:
    backend = typical(make_backend())

    fail(backend, 10.0, 20.0)

    assert backend.load(20.0) == pytest.approx(200.0)
    assert backend.load(30.0) == 0.0


@pytest.mark.parametrize(("stated", "lasts"), [(86_400.0, 300.0), (-5.0, 1.0), (0.0, 1.0)])
def test_not_everything_is_believed(stated: float, lasts: float) -> None:
    backend = typical(make_backend())

    fail(backend, 10.0, stated)

    assert backend.load(9.9 + lasts) > 0.0
    assert backend.load(10.0 + lasts) == 0.0


def test_each_further_failure_in_a_row_doubles_it() -> None:
    backend = typical(make_backend())

    loads = []
    for _ in range(6):
        fail(backend, 10.0)
        loads.append(round(backend.load(10.0), -2))

    assert loads == [400.0, 800.0, 1600.0, 3200.0, 6400.0, 12_800.0]


def test_a_success_ends_the_row() -> None:
    backend = typical(make_backend())
    for _ in range(6):
        fail(backend, 10.0)

    backend.breaker.succeeded(backend.breaker.admit(11.0), 11.0)
    fail(backend, 30.0)

    assert backend.load(30.0) == pytest.approx(400.0)
    assert backend.load(35.0) == 0.0


def test_a_burst_does_not_last_longer_than_one_failure() -> None:
    backend = typical(make_backend())

    for _ in range(9):
        fail(backend, 10.0)

    assert backend.available(14.9)
    assert backend.load(14.9) > 0.0
    assert backend.load(15.0) == 0.0


def test_failing_again_after_the_penalty_lasts_twice_as_long() -> None:
    backend = typical(make_backend())
    ends = []
    now = 10.0
    fail(backend, now)

    for lasts in (10.0, 20.0, 40.0, 60.0, 60.0):
        now += 100.0
        fail(backend, now)
        assert backend.load(now + lasts - 0.1) > 0.0
        ends.append(backend.load(now + lasts))

    assert ends == [0.0] * 5


def test_a_recovery_forgives() -> None:
    backend = typical(make_backend())
    for _ in range(4):
        fail(backend, 10.0, soft=False)
    take_down(backend, 10.5)

    backend.health.probed(True, 11.0, "back")

    assert backend.load(11.0) == 0.0


def test_the_breakers_probe_is_not_outbid_by_the_penalty() -> None:
    backend = typical(make_backend())
    for _ in range(5):
        fail(backend, 10.0, soft=False)

    assert backend.available(12.0)
    assert backend.penalty == 0.0


def test_repr_shows_what_selection_sees() -> None:
    backend = make_backend("gpu-a", cap=3)

    assert "gpu-a ready" in repr(backend)
    assert "gpu-a" in repr(backend.lease(1.0, 1.0, 0.0))


# -- standing ---------------------------------------------------------------------------------


def test_one_that_is_passed_over_has_next_to_no_pull_and_warms_up_afterwards() -> None:
    backend = make_backend(cap=20)
    backend.lease(1.0, 1.0, 1.0)
    assert backend.available(1.0)

    backend.judge(State.SILENT, 1.0, 1.0, 10.0)
    assert backend.available(10.0)
    assert (backend.aside, backend.pull) == (True, 1e-9)
    backend.judge(State.TRIAL, 1.0, 1.0, 20.0)

    assert backend.available(20.0)
    assert (backend.aside, backend.pull, backend.effective_cap) == (False, 0.1, 2)


def test_a_share_is_kept_until_another_is_given() -> None:
    backend = make_backend(weight=2.0)

    backend.judge(State.GOOD, 2.0, 0.5, 10.0)

    assert backend.available(10.0)
    assert backend.settled
    assert (backend.pull, backend.slowness) == (1.0, 2.0)


def test_ends_and_streams_that_go_on_are_signs_of_life() -> None:
    backend = make_backend()
    lease = backend.lease(1.0, 1.0, 0.0)

    backend.signs += 1
    lease.release()

    assert backend.life == 2
