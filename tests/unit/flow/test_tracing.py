"""Tracing: sampled calls note their waits and attempts, and tell engines whose child they are."""

from collections.abc import Sequence

import pytest

from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.trace import Trace
from proxy.core.traceparent import Parent, Sampler, parse, render
from proxy.dialects.openai_api import Operation
from proxy.flow.attempts import Attempts
from proxy.flow.course import Request
from proxy.flow.tracing import TracedAttempts, TracedContinuing, TracedIntake, parent_of
from tests.fixtures.continuing import body
from tests.fixtures.course import World
from tests.fixtures.ends import (
    DONE,
    LAST,
    SSE,
    START,
    EngineEnd,
    FakeClient,
    chunk,
    plain,
    stream,
    token,
)

Fields = Sequence[tuple[bytes, bytes]]

TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
GIVEN = render(TRACE, SPAN, 1)
UNSAMPLED = render(TRACE, SPAN, 0)
REFUSED = Failure(
    kind=Kind.CONNECT_REFUSED,
    origin=Origin.BACKEND,
    phase=Phase.CONNECT,
    detail="nothing listens there",
    retryable=True,
    free=True,
)


def traced(names: str = "ab", ratio: float = 1.0, cap: int | None = None) -> World:
    """Return a course that traces; its random numbers are 101, 102, ..."""
    world = World(names, cap=cap)
    numbers = iter(range(101, 999))
    sampler = Sampler(ratio, follow=True, bits=lambda _: next(numbers))
    world._intake = TracedIntake(world.course, sampler)
    return world


def sent(engine: EngineEnd) -> dict[bytes, bytes]:
    """Return the header fields an engine was sent; none may stand twice."""
    lines = engine.asked.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    fields = dict(line.split(b": ", 1) for line in lines)
    assert len(fields) == len(lines)
    return fields


def trace_of(client: FakeClient) -> Trace:
    assert client.call.trace is not None
    return client.call.trace


def test_the_engine_is_told_the_attempt_as_its_parent() -> None:
    world = traced()
    client, engine = world.asked("a", fields=[(b"traceparent", GIVEN), (b"tracestate", b"v=1")])

    fields = sent(engine)
    trace = trace_of(client)

    assert isinstance(client.attempts, TracedAttempts)
    assert parse(fields[b"traceparent"]) == Parent(
        trace_id=TRACE, span_id=trace.legs[0].span_id, flags=1
    )
    assert trace.legs[0].span_id not in {SPAN, trace.span_id}
    assert fields[b"tracestate"] == b"v=1"


@pytest.mark.parametrize("value", [UNSAMPLED, b"malformed", GIVEN + b"-x"])
def test_an_engine_of_an_unsampled_call_gets_what_the_client_sent(value: bytes) -> None:
    world = traced(ratio=0.0)
    given: Fields = [(b"traceparent", value), (b"baggage", b"k=v"), (b"tracestate", b"v=1")]
    client, engine = world.asked("a", fields=given)

    assert type(client.attempts) is Attempts
    assert sent(engine).items() >= dict(given).items()


def test_a_call_nobody_traces_has_no_trace() -> None:
    world = traced(ratio=0.0)
    client, engine = world.asked("a")

    assert client.call.trace is None
    assert b"traceparent" not in sent(engine)


def test_a_state_without_a_trace_is_not_passed_into_a_new_one() -> None:
    world = traced()
    fields = [(b"traceparent", b"malformed"), (b"tracestate", b"v=1"), (b"baggage", b"k=v")]
    client, engine = world.asked("a", fields=fields)

    there = sent(engine)

    assert parse(there[b"traceparent"]) is not None
    assert trace_of(client).parent_id == 0
    assert b"tracestate" not in there
    assert there[b"baggage"] == b"k=v"


def test_each_attempt_is_noted_and_has_an_id_of_its_own() -> None:
    world = traced()
    client = world.ask(fields=[(b"traceparent", GIVEN)])
    world.time += 0.1
    world.dial("a").fail(REFUSED)
    engine = world.reached("b")
    world.time += 0.2
    engine.send(stream(token()))

    first, second = trace_of(client).legs
    assert (first.backend.name, second.backend.name) == ("a", "b")
    assert first.failure is not None
    assert first.failure.kind is Kind.CONNECT_REFUSED
    assert first.sent == 0.0
    assert first.ended == pytest.approx(first.started + 0.1)
    assert second.failure is None
    parent = parse(sent(engine)[b"traceparent"])
    assert parent is not None
    assert parent.span_id == second.span_id != first.span_id
    assert client.end == "--"
    world.assert_at_rest()


def test_an_attempt_that_was_sent_says_when() -> None:
    world = traced()
    client, engine = world.asked("a")
    at = world.time
    world.time += 0.3
    engine.send(plain(b"{}", 503))

    assert trace_of(client).legs[0].sent == at
    assert trace_of(client).legs[0].ended == at + 0.3


def test_waits_are_noted() -> None:
    world = traced("a", cap=1)
    _, engine = world.asked("a")
    start = world.time
    second = world.ask()
    world.pass_time(2.0)

    engine.send(stream(token()))

    assert trace_of(second).waits == [(start, pytest.approx(start + 2.0))]
    assert trace_of(second).legs[0].started == pytest.approx(start + 2.0)


def test_a_wait_that_leads_nowhere_is_noted_too() -> None:
    world = traced("a", cap=1)
    world.asked("a")
    second = world.ask()
    start = world.time
    world.pass_time(1.0)

    second.leave()

    assert trace_of(second).waits == [(start, pytest.approx(start + 1.0))]
    assert not trace_of(second).legs


def test_a_refused_call_has_its_trace() -> None:
    world = traced()

    client = world.ask(body=b"{not json")

    assert client.call.end
    assert trace_of(client).sampled


def test_two_parents_are_none() -> None:
    assert parent_of([(b"traceparent", GIVEN)]) == parse(GIVEN)
    assert parent_of([(b"traceparent", GIVEN), (b"traceparent", GIVEN)]) is None
    assert parent_of([(b"accept", b"*/*")]) is None


def test_calls_with_the_same_head_do_not_disturb_each_other() -> None:
    world = traced()
    fields = [(b"traceparent", GIVEN), (b"x-kept", b"1")]
    one, first = world.asked("a", fields=fields)
    other, second = world.asked("a", fields=fields)

    assert sent(first)[b"x-kept"] == sent(second)[b"x-kept"] == b"1"
    assert sent(first)[b"traceparent"] != sent(second)[b"traceparent"]
    assert trace_of(one).trace_id == trace_of(other).trace_id == TRACE


def test_a_stream_that_goes_on_elsewhere_has_an_attempt_at_each_engine() -> None:
    world = traced()
    client, first = world.asked("a", body=body(), continues=True)
    first.send(SSE, chunk(token("one")))
    first.reset()
    world.pass_time(0.1)
    second = world.reached("b")
    parent = parse(sent(second)[b"traceparent"])
    second.send(SSE, chunk(token(" two")), chunk(DONE) + LAST)

    legs = trace_of(client).legs
    assert isinstance(client.attempts, TracedContinuing)
    assert (client.end, client.call.continued) == ("--", 1)
    assert [leg.backend.name for leg in legs] == ["a", "b"]
    assert legs[0].failure is not None
    assert legs[0].failure.kind is Kind.TRUNCATED
    assert parent is not None
    assert parent.span_id == legs[1].span_id
    world.assert_at_rest()


def test_a_request_that_is_no_call_has_a_trace_too() -> None:
    world = traced(ratio=0.0)
    known, unread = Call("a", "/v1/files", START), Call("b", "", START)
    operation = Operation(path="/v1/files", name="files")

    world._intake.mark(Request(operation, [(b"traceparent", GIVEN)]), known)
    world._intake.mark(None, unread)

    assert known.trace is not None
    assert (known.trace.trace_id, known.trace.parent_id) == (TRACE, SPAN)
    assert unread.trace is None, "nobody has asked for it, and the ratio is 0"


def test_without_tracing_nothing_is_marked() -> None:
    world = World()
    call = Call("a", "/v1/files", START)
    world._intake.mark(None, call)
    assert call.trace is None
