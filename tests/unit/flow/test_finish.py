"""Finish: an attempt's account with its backend, and the one end of a call."""

import pytest

from proxy.core.breaker import State
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.flow import finish
from tests.fixtures.course import World
from tests.fixtures.ends import SSE, START, chunk, plain, stream, token


def failure(kind: Kind, origin: Origin = Origin.BACKEND, **more: object) -> Failure:
    return Failure(kind=kind, origin=origin, phase=Phase.WAIT, detail="x", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("met", "run", "suspected"),
    [
        (None, 0, False),
        (failure(Kind.CLOSED), 1, True),
        (failure(Kind.STATUS, status=500), 1, True),
        (failure(Kind.STATUS, status=429), 1, False),
        (failure(Kind.STATUS, Origin.CLIENT, status=400), 0, False),
        (failure(Kind.CLIENT_GONE, Origin.CLIENT), 0, False),
        (failure(Kind.DRAINING, Origin.PROXY), 0, False),
        (failure(Kind.TOTAL_TIMEOUT, Origin.DEADLINE), 0, False),
        (failure(Kind.CLOSED, free=True), 0, False),
    ],
)
def test_a_lease_is_given_back_and_the_backend_judged_by_the_failure(
    met: Failure | None, run: int, suspected: bool
) -> None:
    world = World("a")
    backend = world.backends["a"]
    lease = backend.lease(10, 10, START)

    finish.settle(world.course, lease, met, START)

    assert (backend.in_flight, backend.work) == (0, 0.0)
    assert backend.breaker.run == run
    assert bool(world.suspects) is suspected
    assert (backend.load(START) > 0) is (run > 0)


def test_a_trial_without_a_verdict_frees_its_place() -> None:
    world = World("a")
    backend = world.backends["a"]
    for _ in range(5):
        finish.settle(world.course, backend.lease(1, 1, START), failure(Kind.CLOSED), START)
    assert backend.breaker.state(START) is State.OPEN
    later = START + 100.0
    trial = backend.lease(1, 1, later)
    assert not backend.breaker.allows(later)

    finish.settle(world.course, trial, failure(Kind.CLIENT_GONE, Origin.CLIENT), later)

    assert backend.breaker.allows(later)


def test_a_call_cannot_end_twice() -> None:
    world = World("a")
    client, engine = world.asked("a")
    attempts = client.attempts
    assert attempts is not None
    engine.send(stream(token()))

    with pytest.raises(AssertionError, match="a second end"):
        finish.end(world.course, attempts, None)


def test_an_ended_call_holds_nothing_big() -> None:
    world = World("a")
    client, engine = world.asked("a")
    attempts = client.attempts
    assert attempts is not None

    engine.send(stream(token()))

    assert attempts.relay is None
    assert client.call.body == b""
    assert attempts not in world.course.calls


def test_observers_see_the_status_a_refused_client_was_given() -> None:
    world = World("a")
    client, engine = world.asked("a")

    said = b'{"error":{"message":"no"}}'
    engine.send(plain(said, 404))

    assert world.books.statuses == [404]
    assert client.call.bytes_out == len(said)


def test_what_an_answer_came_to_is_learned_for_the_next_one() -> None:
    world = World("a")
    usage = b'{"usage":{"prompt_tokens":1,"completion_tokens":7}}'
    _, engine = world.asked("a")

    engine.send(plain(usage))

    assert world.course.estimator.expected("m", None) == 7.0


def test_what_an_engine_answered_is_dropped_once_the_client_has_it() -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(plain(b'{"error":{"message":"no"}}', 400))

    assert client.call.failure is not None
    assert client.call.failure.body is None


def test_an_engine_s_error_body_is_let_go_of_with_the_call() -> None:
    world = World("a")
    client, serving = world.asked()

    serving.send(plain(b'{"error":{"message":"no"}}', 400))

    assert client.answer.body
    assert client.attempts is not None
    assert client.attempts.last_failure is None
    assert client.call.failure is not None
    assert client.call.failure.body is None


def test_an_engine_s_error_body_is_let_go_of_when_another_begins() -> None:
    world = World("ab")
    client, serving = world.asked()
    serving.send(plain(b'{"error":{"message":"full"}}', 503))
    world.pass_time(2.0)

    world.reached("b").send(SSE, chunk(token()))

    assert client.attempts is not None
    assert client.attempts.relay is not None
    assert client.attempts.last_failure is None
