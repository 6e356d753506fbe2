"""Attempts: one call's accounts, whatever becomes of it. Its decisions stand in tests/playbook."""

import gc

import pytest

from proxy.core.call import Call
from proxy.core.failure import Phase
from proxy.flow.attempts import Attempts
from proxy.flow.opening import Opening
from proxy.flow.relay import Relay
from tests.fixtures.course import World
from tests.fixtures.ends import CHAT, LAST, ROLE, SSE, chunk, plain, stream, token


def test_a_call_shows_where_it_stands() -> None:
    client = World("a").ask()

    assert repr(client.attempts) == f"<Attempts CONNECT <Call id-1 {CHAT} 'm' a end=?>>"


def test_a_call_to_a_warm_pool_is_sent_at_once() -> None:
    world = World("a")
    _, engine = world.asked("a")
    engine.send(stream(token()))

    client = world.ask()

    assert client.attempts is not None
    assert client.attempts.phase is Phase.WAIT
    assert engine.asked.count(b"POST ") == 2
    assert client.call.dispatched_at == world.now()


def test_the_prompt_s_share_of_work_is_given_back_at_the_first_token() -> None:
    world = World("a")
    client, engine = world.asked("a")
    backend = world.backends["a"]
    before = backend.work

    engine.send(SSE + chunk(token()))

    assert backend.work == pytest.approx(before - client.call.prompt_work)
    assert client.call.committed


def test_the_request_is_let_go_when_no_retry_is_possible() -> None:
    client, engine = World("a").asked("a")
    assert client.call.body

    engine.send(SSE + chunk(token()))

    assert client.call.body == b""


@pytest.mark.parametrize("said", [stream(token()), stream(ROLE), plain(b"{}"), SSE + LAST])
@pytest.mark.parametrize("cut", [1, 9, 60])
def test_a_call_leaves_nothing_to_the_garbage_collector(said: bytes, cut: int) -> None:
    world = World("a")
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        client, engine = world.asked("a")
        engine.send(said[:-cut], said[-cut:])
        assert client.end
        world.pools["a"].dials.clear()  # what the fakes hold
        world.clients.clear()
        vars(client).clear()
        gc.collect()
        left = [thing for thing in gc.garbage if type(thing) in {Attempts, Call, Relay, Opening}]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left


def test_a_piece_behind_a_pause_does_not_pause_twice() -> None:
    world = World("a")
    client, engine = world.asked("a")
    engine.send(SSE + chunk(token()))
    assert client.attempts is not None

    client.attempts.client_paused()
    client.attempts.client_paused()
    client.attempts.client_resumed()

    assert not engine.wire.paused
    assert client.attempts.paused_at == 0.0
