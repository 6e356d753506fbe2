"""Sampled requests that pass through note their attempts, and tell engines whose child they are."""

from itertools import count

from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.trace import Trace
from proxy.core.traceparent import render
from proxy.edge.through import Through
from proxy.edge.tracing import TracedThrough, TracedWebSocket, maker
from proxy.edge.websocket import WebSocket
from tests.fixtures.ends import plain
from tests.fixtures.peer import Passing

REFUSED = Failure(
    kind=Kind.CONNECT_REFUSED, origin=Origin.BACKEND, phase=Phase.CONNECT, detail="nothing there"
)


def sampled(flags: int = 1) -> Trace:
    ids = count(11)
    return Trace(7, flags=flags, span_id=10, draw=lambda: next(ids))


def test_the_engine_is_told_the_attempt_as_its_parent() -> None:
    world, trace = Passing(), sampled()
    world.ask("/v1/files/f-1", trace=trace)
    end = world.reached()
    end.send(plain(b"{}"))

    (leg,) = trace.legs
    assert (leg.backend.name, leg.span_id, leg.failure) == ("a", 11, None)
    assert b"traceparent: " + render(7, 11, 1) in end.asked
    world.assert_at_rest()


def test_an_attempt_that_was_refused_ends_with_its_failure() -> None:
    world, trace = Passing(), sampled()
    peer = world.ask(trace=trace)
    world.world.dial().fail(REFUSED)

    (leg,) = trace.legs
    assert (peer.end, leg.failure, leg.sent) == ("BC", REFUSED, 0.0)
    assert leg.ended == world.world.now()
    world.assert_at_rest()


def test_one_that_reaches_nobody_has_no_attempt() -> None:
    world, trace = Passing("ab"), sampled()
    peer = world.ask("/v1/files", trace=trace)
    assert peer.end != "--"
    assert trace.legs == []


def test_only_what_is_sampled_is_noted() -> None:
    call = Call("id", "/v1/files", 0.0)
    assert maker(call, upgrade=False) is Through
    assert maker(call, upgrade=True) is WebSocket
    call.trace = sampled(flags=0)
    assert maker(call, upgrade=False) is Through
    call.trace = sampled()
    assert maker(call, upgrade=False) is TracedThrough
    assert maker(call, upgrade=True) is TracedWebSocket
