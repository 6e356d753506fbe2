"""Pool: the warmest connection first, none too old or too often used, every one counted."""

import asyncio
import gc
from collections.abc import Callable

import pytest

from proxy.core.failure import Failure, Kind
from proxy.settings.seals import Seal
from proxy.upstream import pool as pools
from proxy.upstream.connect import Endpoint
from proxy.upstream.exchange import Connection
from proxy.upstream.pool import Dial, Policy, Pool
from proxy.upstream.state import State
from proxy.upstream.whereabouts import Whereabouts
from tests.fixtures.ends import EngineEnd, Wire


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time


def pool_of(count: int) -> tuple[Pool, Clock, list[EngineEnd]]:
    """Return a pool with so many idle connections, one second apart."""
    clock = Clock()
    pool = Pool(Endpoint(host="gpu", port=8000), now=clock.now)
    ends = [EngineEnd(pool) for _ in range(count)]
    for end in ends:
        pool.put(end.connection)
        clock.time += 1.0
    return pool, clock, ends


def test_the_connection_used_last_is_taken_first() -> None:
    pool, clock, ends = pool_of(3)

    assert pool.take(clock.time) is ends[2].connection
    assert pool.take(clock.time) is ends[1].connection
    assert pool.take(clock.time) is ends[0].connection
    assert pool.take(clock.time) is None


def test_a_connection_idle_for_too_long_is_closed_and_not_used() -> None:
    pool, clock, ends = pool_of(2)
    clock.time += 2.5  # idle for 4.5 and 3.5 seconds

    assert pool.take(clock.time) is ends[1].connection
    assert pool.take(clock.time) is None
    assert ends[0].wire.closing


def test_a_connection_that_is_closing_is_not_used() -> None:
    pool, clock, ends = pool_of(2)
    ends[1].wire.closing = True

    assert pool.take(clock.time) is ends[0].connection


def test_idle_connections_are_closed_below_the_engine_s_own_limit() -> None:
    pool, clock, ends = pool_of(3)
    clock.time += 1.5  # idle for 4.5, 3.5 and 2.5 seconds

    pool.expire()

    assert [end.wire.closing for end in ends] == [True, False, False]
    for end in ends:
        if end.wire.closing:
            end.lose(None)
    assert pool.open == 2
    assert repr(pool) == "<Pool gpu:8000 open=2 idle=2>"


def test_a_connection_retires_after_its_last_request() -> None:
    pool, clock, (end,) = pool_of(1)
    pool.policy = Policy(max_requests=2)
    connection = pool.take(clock.time)
    assert connection is not None
    connection.used = 2

    pool.put(connection)

    assert end.wire.closing
    assert pool.take(clock.time) is None


def test_a_connection_the_engine_closed_is_forgotten_at_once() -> None:
    pool, clock, ends = pool_of(3)

    ends[1].close()

    assert (pool.open, pool.opened) == (2, 3)
    assert pool.take(clock.time) is ends[2].connection
    assert pool.take(clock.time) is ends[0].connection


def test_a_busy_connection_that_is_lost_is_counted_once() -> None:
    pool, clock, ends = pool_of(2)
    pool.take(clock.time)

    ends[1].reset()

    assert pool.open == 1
    assert pool.take(clock.time) is ends[0].connection


def test_closing_closes_what_is_idle() -> None:
    pool, clock, ends = pool_of(2)
    busy = pool.take(clock.time)

    pool.close()

    assert [end.wire.closing for end in ends] == [True, False]
    assert busy is ends[1].connection


def test_bytes_nobody_asked_for_end_an_idle_connection() -> None:
    pool, clock, ends = pool_of(1)

    ends[0].send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")

    assert ends[0].wire.closing
    assert pool.take(clock.time) is None


@pytest.mark.parametrize("key", [None, "s3cret"])
def test_a_request_begins_with_the_engine_s_name_and_our_key(key: str | None) -> None:
    pool = Pool(Endpoint(host="gpu", port=8000), now=lambda: 0.0, api_key=key)

    lines = pool.prefix.split(b"\r\n")

    assert lines[0] == b"host: gpu:8000"
    assert (b"authorization: Bearer s3cret" in lines) is (key is not None)


# connecting --------------------------------------------------------------------------------


class Outcome:
    """Keeps what a dial reports."""

    def __init__(self) -> None:
        self.ready: list[Connection] = []
        self.failed: list[Failure] = []


class Network:
    """Stands in for the loop's connects: each waits until the test decides."""

    def __init__(self) -> None:
        self.gate: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.wires: list[Wire] = []
        self.drop = False

    async def dial(
        self,
        _endpoint: Endpoint,
        _there: Whereabouts,
        factory: Callable[[], Connection],
        _seal: Seal | None,
    ) -> Connection:
        error = await self.gate
        if error is not None:
            raise error
        connection = factory()
        self.wires.append(Wire())
        connection.connection_made(self.wires[-1])
        if self.drop:
            connection.connection_lost(None)
        return connection


def start(monkeypatch: pytest.MonkeyPatch) -> tuple[Network, Pool, Outcome, Dial]:
    network, outcome = Network(), Outcome()
    monkeypatch.setattr(pools, "dial", network.dial)
    pool = Pool(Endpoint(host="gpu", port=8000), now=lambda: 0.0)
    return network, pool, outcome, pool.dial(outcome.ready.append, outcome.failed.append)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_connect_that_succeeds_hands_over_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, pool, outcome, _ = start(monkeypatch)

    network.gate.set_result(None)
    await turns()

    assert len(outcome.ready) == 1
    assert outcome.ready[0].state is State.IDLE
    assert not outcome.failed
    assert (pool.open, pool.opened) == (1, 1)


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "x"), UnicodeError("bad label")])
async def test_a_connect_that_fails_says_why(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    network, pool, outcome, _ = start(monkeypatch)

    network.gate.set_result(error)
    await turns()

    assert not outcome.ready
    assert len(outcome.failed) == 1
    assert pool.open == 0


async def test_a_connection_dropped_at_once_is_a_failed_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, pool, outcome, _ = start(monkeypatch)
    network.drop = True

    network.gate.set_result(None)
    await turns()

    assert not outcome.ready
    assert outcome.failed[0].kind is Kind.CONNECT_FAILED
    assert pool.open == 0


@pytest.mark.parametrize("moment", ["before", "with the answer", "with the refusal"])
async def test_a_connect_given_up_calls_nobody_and_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    network, pool, outcome, dial = start(monkeypatch)
    await turns()
    if moment == "with the answer":
        network.gate.set_result(None)
    elif moment == "with the refusal":
        network.gate.set_result(ConnectionRefusedError(111, "x"))

    dial.cancel()
    await turns()
    gc.collect()

    assert not outcome.ready
    assert not outcome.failed
    assert all(wire.closing for wire in network.wires)
    assert pool.open == len(network.wires)


async def test_a_connect_given_up_while_its_answer_is_being_taken_closes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, _, outcome, dial = start(monkeypatch)
    dial.cancelled = True  # the cancellation itself comes too late
    network.gate.set_result(None)

    await turns()

    assert not outcome.ready
    assert network.wires[0].closing


def test_heads_are_read_anew_when_what_is_hidden_changes() -> None:
    pool, _, (end,) = pool_of(1)
    raw = b"HTTP/1.1 200 OK\r\nx-olla-id: 1\r\n\r\n"
    pool.heads[raw, b""] = pool.head_of(raw)
    assert b"x-olla-id" in pool.heads[raw, b""].fields

    pool.policy = Policy(hidden=frozenset({b"x-olla-*"}))

    assert not pool.heads
    assert pool.head_of(raw).fields == b""
    end.close()


STRAY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def test_an_engine_that_says_more_than_it_was_asked_gets_each_connection_once() -> None:
    """The stray answer could be on its way to any of its connections."""
    pool, clock, ends = pool_of(3)
    busy = pool.take(clock.time)
    assert busy is not None
    busy.used = 1

    ends[1].send(STRAY)
    ends[1].lose(None)

    assert ends[0].wire.closing
    pool.policy = Policy()  # as when its type is recognised
    pool.put(busy)
    assert ends[2].wire.closing
    assert pool.take(clock.time) is None


def test_an_engine_that_says_no_more_than_it_should_is_trusted_again() -> None:
    pool, clock, (end,) = pool_of(1)
    end.send(STRAY)
    end.lose(None)
    for seconds, kept in ((pools.WARY - 2, False), (2.0, True)):
        clock.time += seconds
        pool.expire()
        one = EngineEnd(pool)
        one.connection.used = 1
        pool.put(one.connection)
        assert one.wire.closing is not kept


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_word_of_farewell_is_no_stray_answer(version: bytes) -> None:
    pool, clock, ends = pool_of(2)

    ends[1].send(b"HTTP/%b 408 Request Timeout\r\nconnection: close\r\n\r\n" % version)
    ends[1].lose(None)

    assert ends[1].wire.closing
    assert pool.take(clock.time) is ends[0].connection
