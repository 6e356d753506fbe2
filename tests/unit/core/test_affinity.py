"""Affinity: a session's backend, and when another one is better."""

import pytest

from proxy.core import affinity
from proxy.core.backend import Backend
from tests.fixtures.fleet import make_backend, take_down

NOW = 100.0


def pick(
    session: str, fleet: list[Backend], work: float = 100.0, tried: tuple[Backend, ...] = ()
) -> Backend | None:
    return affinity.pick(session, fleet, bound=1.25, work=work, tried=tried, now=NOW)


def test_a_session_stays_where_it_is() -> None:
    fleet = [make_backend(name) for name in "abcd"]

    assert len({pick("talk-1", fleet) for _ in range(5)}) == 1
    assert pick("talk-1", fleet[::-1]) is pick("talk-1", fleet)
    assert len({pick(f"talk-{n}", fleet) for n in range(64)}) == 4


def test_a_backend_with_more_than_its_share_is_passed_over_for_the_sessions_second() -> None:
    fleet = [make_backend(name) for name in "abcd"]
    first, second, *_ = affinity.order("talk", fleet)

    lease = first.lease(1000.0, 0.0, NOW)
    assert pick("talk", fleet) is second
    lease.release()

    assert pick("talk", fleet) is first


def test_a_penalty_counts_as_load() -> None:
    fleet = [make_backend(name) for name in "abcd"]
    first, second, *_ = affinity.order("talk", fleet)

    first.breaker.failed(first.breaker.admit(NOW), NOW, hard=False)
    first.penalise(None, NOW)

    assert pick("talk", fleet) is second


def test_where_nobody_is_within_the_bound_the_policy_decides() -> None:
    fleet = [make_backend(name) for name in "ab"]
    for backend in fleet:
        backend.breaker.failed(backend.breaker.admit(NOW), NOW, hard=False)
        backend.penalise(None, NOW)

    assert pick("talk", fleet) is None


def test_only_an_eligible_backend_of_the_lowest_tier_is_its_place() -> None:
    fleet = [make_backend(name) for name in "abc"] + [make_backend("d", priority=1)]
    first, second, third, *_ = affinity.order("talk", fleet[:3])

    assert pick("talk", fleet, tried=(first,)) is second
    take_down(second, NOW - 1.0)
    assert pick("talk", fleet, tried=(first,)) is third
    assert pick("talk", fleet, tried=(first, third)) is fleet[3]
    assert pick("talk", fleet, tried=tuple(fleet)) is None


@pytest.mark.parametrize(("weight", "share"), [(1.0, 0.5), (3.0, 0.75), (0.25, 0.2)])
def test_sessions_are_shared_out_by_weight(weight: float, share: float) -> None:
    fleet = [make_backend("a", weight=weight), make_backend("b")]

    firsts = [affinity.order(f"talk-{n}", fleet)[0] for n in range(4000)]

    assert firsts.count(fleet[0]) / 4000 == pytest.approx(share, abs=0.03)


def test_names_of_any_letters_are_sessions() -> None:
    fleet = [make_backend(name) for name in "ab"]

    for session in ("\x00", "\xff" * 256, "x", "-"):
        assert pick(session, fleet) in fleet
