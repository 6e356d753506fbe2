"""What is remembered of ended calls, and for how long."""

from proxy.core.failure import Kind
from proxy.telemetry.history import TRIES, History
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call, failed_with


def test_the_newest_comes_first_and_old_ones_are_left_out() -> None:
    history = History(lambda: 0.0)
    early, late = ended_call(), ended_call()
    early.ended_at, late.ended_at = 10.0, 70.0
    history.finished(early)
    history.finished(late)
    assert list(history.calls()) == [late, early]
    assert list(history.calls(since=70.0)) == [late]


def test_what_was_told_after_a_call_that_is_known() -> None:
    history = History(lambda: 0.0, calls=2)
    first, second, third = ended_call(), ended_call(), ended_call()
    history.finished(first)
    history.finished(second)
    assert list(history.after(first)) == [second]
    history.finished(third)
    assert list(history.after(first)) == [third, second], "it is gone: all that is there is new"


def test_an_attempt_another_one_follows_is_noted_with_its_call() -> None:
    history = History(lambda: 91.0)
    call, other = ended_call(make_backend("a")), ended_call(make_backend("b"))
    other.request_id = "req-2"
    history.attempt_failed(call, failed_with(), retried=True)
    history.attempt_failed(other, failed_with(), retried=True)
    history.attempt_failed(call, failed_with(Kind.STATUS), retried=False)
    (one,) = history.tries_of(call)
    assert (one.backend.name, one.ended, one.sent) == ("a", 91.0, 90.5002)
    assert [each.call for each in history.tries()] == [other, call]
    assert not list(history.tries(since=92.0))


def test_a_copy_of_a_call_is_the_call() -> None:
    history = History(lambda: 91.0)
    history.attempt_failed(ended_call(make_backend("a")), failed_with(), retried=True)
    later = ended_call(make_backend("b"))
    later.received_at += 1.0
    assert len(history.tries_of(ended_call(make_backend("b")))) == 1
    assert history.tries_of(later) == [], "a client may use an id twice"


def test_a_failure_without_a_backend_is_no_attempt() -> None:
    history = History(lambda: 91.0)
    history.attempt_failed(ended_call(None), failed_with(), retried=True)
    assert not list(history.tries())


def test_what_an_engine_answered_is_not_kept() -> None:
    history = History(lambda: 91.0)
    failure = failed_with(body=b"x" * 9000)
    history.attempt_failed(ended_call(make_backend()), failure, retried=True)
    (one,) = history.tries()
    assert one.failure.body is None


def test_attempts_are_bounded() -> None:
    history = History(lambda: 91.0)
    for _ in range(TRIES + 5):
        history.attempt_failed(ended_call(make_backend()), failed_with(), retried=True)
    assert len(list(history.tries())) == TRIES


def test_the_newest_call_of_an_id_is_found() -> None:
    history = History(lambda: 0.0)
    first, second = ended_call(), ended_call()
    history.finished(first)
    history.finished(second)
    assert history.find("req-1") is second
    assert history.find("req-2") is None
