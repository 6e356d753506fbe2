"""A backend that comes back: how its share and its room grow."""

from math import inf

import pytest

from proxy.core import warming
from proxy.core.backend import Backend
from tests.fixtures.fleet import make_backend, take_down, trip


def recovered(at: float, cap: int | None = None) -> Backend:
    """Return a backend that came back from an outage at that time."""
    backend = make_backend(cap=cap)
    take_down(backend, at - 1.0)
    backend.health.probed(True, at, "back")
    return backend


def test_there_is_no_slow_start_at_the_beginning() -> None:
    backend = make_backend(cap=10)

    assert backend.slow_start(0.0) == 1.0
    assert backend.available(0.0)
    assert (backend.effective_cap, backend.pull) == (10, 1.0)


@pytest.mark.parametrize(("after", "share"), [(0.0, 0.1), (3.0, 0.1), (15.0, 0.5), (30.0, 1.0)])
def test_a_recovered_backend_warms_up_in_half_a_minute(after: float, share: float) -> None:
    backend = recovered(at=100.0, cap=20)
    backend.lease(1.0, 1.0, 100.0)

    backend.available(100.0 + after)

    assert backend.slow_start(100.0 + after) == pytest.approx(share)
    assert backend.pull == pytest.approx(share)
    assert backend.effective_cap == 20 * share


def test_a_closed_breaker_warms_up_too() -> None:
    backend = make_backend()
    trip(backend, 0.0)

    backend.breaker.succeeded(backend.breaker.admit(5.0), 5.0)

    assert backend.slow_start(5.0) == 0.1


def test_a_small_cap_never_falls_below_one() -> None:
    backend = recovered(at=100.0, cap=4)

    backend.available(100.0)

    assert backend.effective_cap == 1


def test_an_idle_backend_that_warms_up_competes_at_full_weight() -> None:
    backend = recovered(at=100.0)

    backend.available(100.0)
    idle = backend.pull
    backend.lease(1.0, 1.0, 100.0)
    backend.available(100.0)

    assert (idle, backend.pull) == (1.0, 0.1)


def test_it_settles_when_it_is_warm() -> None:
    backend = recovered(at=100.0, cap=20)

    for now, settled in ((100.0, False), (129.9, False), (130.0, True)):
        assert backend.available(now)
        assert backend.settled == settled

    assert (backend.pull, backend.effective_cap) == (1.0, 20)


def test_without_a_cap_room_doubles_every_two_seconds() -> None:
    backend = recovered(at=100.0)

    rooms = []
    for after in (0.0, 2.0, 4.0, 10.0, 29.9, 30.0):
        backend.available(100.0 + after)
        rooms.append(backend.effective_cap)

    assert rooms == [16, 32, 64, 512, 506_428, None]


@pytest.mark.parametrize(("seconds", "share"), [(0.0, 1.0), (4.0, 0.5), (60.0, 0.1)])
def test_slow_start_takes_as_long_as_the_settings_say(seconds: float, share: float) -> None:
    backend = recovered(at=100.0, cap=20)
    backend.warming = seconds

    assert backend.available(102.0)

    assert backend.slow_start(102.0) == share
    assert backend.effective_cap == 20 * share
    assert backend.settled is (seconds == 0.0)


@pytest.mark.parametrize(
    ("full", "since", "room"), [(40, 0.0, 4), (40, 15.0, 20), (3, 0.0, 1), (inf, 1.0, 22)]
)
def test_room_grows_with_the_time_since(full: float, since: float, room: float) -> None:
    part = warming.share(since, 30.0)

    assert warming.room(full, part, since) == room
    assert warming.room(full, 1.0, since) == full
