"""What an engine says of itself, and what follows from half of it."""

import pytest

from proxy.core.backend import Backend
from proxy.core.reported import Reported
from tests.fixtures.fleet import make_backend, trip


@pytest.mark.parametrize(
    ("said", "requests"),
    [
        (Reported(), None),
        (Reported(kv_used=0.5), None),
        (Reported(running=2), 2),
        (Reported(waiting=3), 3),
        (Reported(running=2, waiting=3), 5),
    ],
)
def test_requests_are_those_that_run_and_those_that_wait(
    said: Reported, requests: int | None
) -> None:
    assert said.requests == requests


def load_of(backend: Backend, now: float = 100.0) -> float:
    return backend.load(now)


def busy(running: int) -> Reported:
    return Reported(running=running, waiting=0)


def test_requests_of_others_count_as_typical_work_from_the_second_look_on() -> None:
    backend = make_backend()

    backend.heard(busy(3), 0)
    assert load_of(backend) == 0.0
    backend.heard(busy(4), 0)

    assert backend.reported == busy(4)
    assert load_of(backend) == 3 * 512.0  # the lower of two looks, at the first guess of a request


def test_what_is_ours_does_not_count_twice() -> None:
    backend = make_backend()
    for _ in range(3):
        backend.heard(busy(5), 5)

    assert load_of(backend) == 0.0


def test_one_look_that_met_requests_that_had_just_ended_changes_nothing() -> None:
    backend = make_backend()
    for own, running in ((4, 4), (0, 4), (0, 0), (0, 7), (7, 7)):
        backend.heard(busy(running), own)
        assert load_of(backend) == 0.0


def test_others_that_left_or_an_engine_that_falls_silent_count_no_more() -> None:
    backend = make_backend()
    for said in (busy(3), busy(3)):
        backend.heard(said, 0)
    assert load_of(backend) > 0.0

    backend.heard(None, 0)

    assert load_of(backend) == 0.0
    assert backend.reported is None


def test_an_engine_that_tells_only_its_cache_counts_nothing() -> None:
    backend = make_backend()
    for _ in range(2):
        backend.heard(Reported(kv_used=1.0), 0)

    assert load_of(backend) == 0.0


def test_a_backend_without_others_stays_settled() -> None:
    backend = make_backend()
    assert backend.available(100.0)
    assert backend.settled

    backend.heard(busy(2), 2)

    assert backend.settled


def test_the_trial_of_an_open_breaker_is_not_outbid_by_others() -> None:
    backend = make_backend()
    for _ in range(2):
        backend.heard(busy(9), 0)
    trip(backend, 100.0)

    assert load_of(backend, 103.0) == 0.0
