"""Hedged calls: who is asked second, who serves, and that both accounts are closed."""

import pytest

from proxy.core.failure import Kind
from proxy.core.hedging import Policy
from proxy.core.standing import State
from proxy.flow.hedging import HedgedAttempts, Hedges, LastingHedgedAttempts, Outcome
from tests.fixtures.course import World
from tests.fixtures.ends import LAST, SSE, EngineEnd, FakeClient, chunk, plain, stream, token

LATE = 0.5
PLAIN = b'{"model":"m"}'
ANSWER = b'{"object":"chat.completion","choices":[]}'


class Hedged(World):
    """A world whose model is hedged after half a second, with an allowance for a hundred."""

    def __init__(self, names: str = "ab", delay: float = LATE, native: str = "") -> None:
        super().__init__(names, native=native)
        for backend in self.backends.values():
            backend.priority = 0
        self.course.hedges = self.hedges = Hedges()
        self.hedges.policy_of = lambda model: Policy(delay=delay, budget=0.5)
        for _ in range(20):
            self.hedges.account("m").allowance.called(0.5)

    def slow(self, body: bytes = b'{"model":"m","stream":true}') -> tuple[FakeClient, EngineEnd]:
        """Send a call to `a`, which does not begin in time."""
        self.backends["b"].drain(self.time)
        client = self.ask(body=body)
        engine = self.reached("a")
        self.backends["b"].resume(self.time)
        self.backends["b"].health.probed(True, self.time, "")
        self.pass_time(LATE + 0.1)
        return client, engine

    def count(self, outcome: Outcome) -> int:
        return self.hedges.counts[outcome]


def test_an_engine_that_begins_in_time_is_the_only_one() -> None:
    world = Hedged()
    client = world.ask()
    name = "a" if world.pools["a"].dials else "b"

    world.reached(name).send(stream(token()))
    world.pass_time(5.0)

    assert client.end == "--"
    assert client.call.attempts == 1
    assert not world.hedges.live
    assert not world.hedges.counts
    world.assert_at_rest()


@pytest.mark.parametrize(("body", "answer"), [(PLAIN, plain(ANSWER)), (b"", stream(token()))])
def test_the_second_serves_if_it_begins_first_and_the_other_is_aborted(
    body: bytes, answer: bytes
) -> None:
    world = Hedged()
    client, first = world.slow(*([body] if body else []))

    second = world.reached("b")
    second.send(answer)

    assert first.wire.aborted
    assert client.end == "--"
    assert client.answer.fields["x-headrace-backend"] == "b"
    assert client.answer.fields["x-headrace-attempts"] == "2"
    assert world.count(Outcome.WON) == 1
    assert world.backends["a"].breaker.run == 0
    world.assert_at_rest()


def test_the_first_serves_if_it_begins_after_all_and_the_second_is_aborted() -> None:
    world = Hedged()
    client, first = world.slow()
    second = world.reached("b")

    first.send(SSE + chunk(token()))
    assert second.wire.aborted
    first.send(chunk(b"data: [DONE]\n\n") + LAST)

    assert client.end == "--"
    assert client.answer.fields["x-headrace-backend"] == "a"
    assert client.answer.fields["x-headrace-attempts"] == "2"
    assert world.count(Outcome.LOST) == 1
    world.assert_at_rest()


def test_a_second_that_is_still_connecting_is_given_up() -> None:
    world = Hedged()
    client, first = world.slow()
    dial = world.dial("b")

    first.send(stream(token()))

    assert dial.over
    assert client.end == "--"
    world.assert_at_rest()


def test_a_second_that_fails_is_held_against_its_engine_and_the_first_goes_on() -> None:
    world = Hedged()
    client, first = world.slow()

    world.reached("b").send(plain(b"{}", 500))
    assert world.backends["b"].breaker.run == 1
    first.send(stream(token()))

    assert client.end == "--"
    assert client.answer.fields["x-headrace-backend"] == "a"
    assert world.count(Outcome.FAILED) == 1
    assert [(f.kind, retried) for f, retried in world.books.failed] == [(Kind.STATUS, False)]
    world.assert_at_rest()


@pytest.mark.parametrize("connected", [True, False])
def test_when_the_first_fails_the_second_is_the_next_try(connected: bool) -> None:
    world = Hedged("abc")
    world.backends["c"].drain(world.time)
    client, first = world.slow()
    second = world.reached("b") if connected else None

    first.send(plain(b"{}", 503))
    second = second or world.reached("b")
    second.send(stream(token()))

    assert client.end == "--"
    assert client.answer.fields["x-headrace-attempts"] == "2"
    assert [(f.kind, retried) for f, retried in world.books.failed] == [(Kind.STATUS, True)]
    assert world.backends["a"].breaker.run == 1
    world.assert_at_rest()


def test_when_both_fail_the_call_ends_as_after_two_tries() -> None:
    world = Hedged()
    client, first = world.slow()
    second = world.reached("b")

    first.send(plain(b"{}", 503))
    second.send(plain(b'{"error":"full"}', 503))
    world.pass_time(1.0)

    assert client.answer.status == 503
    assert world.hedges.live == {}
    world.assert_at_rest()


def test_a_client_that_leaves_ends_both() -> None:
    world = Hedged()
    client, first = world.slow()
    second = world.reached("b")
    assert client.attempts is not None

    client.attempts.client_gone()

    assert first.wire.aborted
    assert second.wire.aborted
    assert client.end == "CW"
    world.assert_at_rest()


def test_a_silent_pair_ends_by_the_timeout_of_the_first_token() -> None:
    world = Hedged()
    client, _ = world.slow()
    world.reached("b")

    world.pass_time(1300.0)

    assert client.end == "TW"
    world.assert_at_rest()


@pytest.mark.parametrize("why", ["nobody", "tier", "aside", "open"])
def test_without_an_engine_as_good_as_the_first_there_is_no_hedge(why: str) -> None:
    world = Hedged("a" if why == "nobody" else "ab")
    if why != "nobody":
        other = world.backends["b"]
        if why == "tier":
            other.priority = 1
        elif why == "aside":
            other.judge(State.SLOW, 4.0, 1.0, world.time)
        else:
            for _ in range(3):
                other.breaker.failed(other.breaker.admit(world.time), world.time, hard=True)
    client = world.ask()
    engine = world.reached("a")

    world.pass_time(LATE + 0.1)

    assert world.count(Outcome.NO_BACKEND) == 1
    engine.send(stream(token()))
    assert client.call.attempts == 1


def test_when_the_allowance_is_used_up_there_is_no_hedge() -> None:
    world = Hedged()
    while world.hedges.account("m").allowance.take():
        pass

    client, first = world.slow()

    assert client.call.attempts == 1
    assert world.count(Outcome.NO_BUDGET) == 1
    first.send(stream(token()))
    world.assert_at_rest()


def test_its_time_is_learned_from_the_calls_before() -> None:
    world = Hedged("ab", delay=0.0)
    world.backends["b"].drain(world.time)
    for _ in range(24):
        world.ask()
        engine = world.pools["a"].ends[-1] if world.pools["a"].ends else world.reached("a")
        world.time += 0.2
        engine.send(stream(token()))
    world.backends["b"].resume(world.time)
    world.backends["b"].health.probed(True, world.time, "")
    world.ask()
    assert len(world.hedges.live) == 1

    world.pass_time(0.15)
    assert not any(world.hedges.live.values())
    world.pass_time(0.1)

    assert any(world.hedges.live.values())


@pytest.mark.parametrize(
    "request_",
    [
        {"pin": "a"},
        {"body": b'{"model":"m","store":true}'},
        {"path": "/v1/audio/speech"},
    ],
)
def test_what_may_not_be_repeated_is_not_hedged(request_: dict[str, object]) -> None:
    world = Hedged()

    client = world.ask(**request_)  # type: ignore[arg-type]

    assert not isinstance(client.attempts, HedgedAttempts)


def test_models_that_are_not_named_take_the_ordinary_way() -> None:
    world = Hedged()
    world.hedges.policy_of = lambda _model: None

    assert not isinstance(world.ask().attempts, HedgedAttempts)


def test_a_stream_can_be_hedged_and_continued() -> None:
    world = Hedged()
    world.course.continues = lambda _model: True
    client, first = world.slow()
    assert isinstance(client.attempts, LastingHedgedAttempts)

    world.reached("b").send(stream(token()))

    assert first.wire.aborted
    assert client.end == "--"
    world.assert_at_rest()


def test_an_engine_with_another_name_for_the_model_is_sent_that() -> None:
    world = Hedged(native="org/m")
    world.slow()

    assert b'"org/m"' in world.reached("b").asked
