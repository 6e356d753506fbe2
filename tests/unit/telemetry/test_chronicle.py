"""What two looks at the backends tell of what happened in between."""

from proxy.core.standing import State as Standing
from proxy.telemetry.chronicle import Chronicle
from tests.fixtures.fleet import make_backend, take_down, trip


def told(chronicle: Chronicle) -> list[tuple[str, str, str, str]]:
    return [(one.backend, one.what, one.before, one.after) for one in chronicle.changes]


def test_the_first_look_has_nothing_to_compare_with() -> None:
    chronicle, backend = Chronicle(), make_backend()
    take_down(backend, 1.0)
    chronicle.look([backend], 2.0)
    chronicle.look([backend], 3.0)
    assert not chronicle.changes


def test_a_change_of_health_is_told_with_its_reason() -> None:
    chronicle, backend = Chronicle(), make_backend()
    chronicle.look([backend], 1.0)
    take_down(backend, 1.5)
    chronicle.look([backend], 2.0)
    assert told(chronicle) == [("a", "health", "ready", "down")]
    assert (chronicle.changes[0].reason, chronicle.changes[0].at) == ("refused", 2.0)


def test_a_breaker_is_followed_to_its_trial_and_back() -> None:
    chronicle, backend = Chronicle(), make_backend()
    chronicle.look([backend], 1.0)
    trip(backend, 1.5)
    chronicle.look([backend], 2.0)
    chronicle.look([backend], 9.0)
    backend.breaker.succeeded(backend.breaker.admit(9.0), 9.1)
    chronicle.look([backend], 10.0)
    assert told(chronicle) == [
        ("a", "breaker", "closed", "open"),
        ("a", "breaker", "open", "half_open"),
        ("a", "breaker", "half_open", "closed"),
    ]


def test_an_opening_between_two_looks_is_told_from_its_count() -> None:
    chronicle, backend = Chronicle(), make_backend()
    chronicle.look([backend], 1.0)
    trip(backend, 1.1)
    backend.breaker.succeeded(backend.breaker.admit(9.0), 9.1)
    chronicle.look([backend], 10.0)
    assert told(chronicle) == [
        ("a", "breaker", "closed", "open"),
        ("a", "breaker", "open", "closed"),
    ]


def test_a_backend_that_is_removed_is_told_once() -> None:
    chronicle, backend = Chronicle(), make_backend()
    chronicle.look([backend], 1.0)
    chronicle.look([], 2.0)
    chronicle.look([], 3.0)
    assert told(chronicle) == [("a", "backend", "in use", "removed")]


def test_old_changes_give_way() -> None:
    chronicle = Chronicle(keep=2)
    for number in range(5):
        chronicle.look([make_backend(f"b{number}")], float(number))
    assert [one.backend for one in chronicle.changes] == ["b2", "b3"]


def test_a_change_of_standing_is_told() -> None:
    chronicle, backend = Chronicle(), make_backend()
    chronicle.look([backend], 1.0)
    backend.judge(Standing.SLOW, 3.0, 1.0, 1.5)
    chronicle.look([backend], 2.0)
    assert told(chronicle) == [("a", "standing", "good", "slow")]
