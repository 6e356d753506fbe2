"""A client connection: its calls are answered, cancelled and given up; it rests and closes."""

import asyncio

import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.edge import connection as module
from proxy.edge.connection import BUSY_LOOK, FLUSH, LINGER, STEP
from proxy.edge.receiving import Stage
from proxy.edge.server import KEEP_ALIVE
from tests.fixtures.client_end import ClientEnd, post
from tests.fixtures.course import World
from tests.fixtures.ends import chunk, head, token

GET = b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n"


def asked(client: ClientEnd, *fields: bytes) -> ClientEnd:
    """Send a request."""
    client.send(post(b'{"model":"m"}', *fields))
    return client


async def test_a_call_is_answered_and_the_connection_rests() -> None:
    client = asked(ClientEnd())
    assert client.stage is Stage.CALL
    client.serve(b'{"a":1}')

    assert (client.answer.status, client.answer.body) == (200, b'{"a":1}')
    assert client.stage is Stage.IDLE
    client.leave()
    client.world.assert_at_rest()


async def test_the_write_limits_are_set_and_the_peer_is_known() -> None:
    client = ClientEnd()

    assert client.wire.limits == (16384, 4096)
    assert client.connection.peer == "10.0.0.1:5000"
    assert "10.0.0.1:5000 IDLE no call" in repr(client.connection)
    client.leave()


@pytest.mark.parametrize(
    ("name", "shown"),
    [(("::1", 7, 0, 0), "[::1]:7"), (("1.2.3.4", 5), "1.2.3.4:5"), ("", "unix"), (None, "unix")],
)
def test_addresses(name: object, shown: str) -> None:
    assert module._address(name) == shown


async def test_the_access_line_knows_the_peer() -> None:
    client = asked(ClientEnd())
    client.serve()

    assert [call.client for call in client.world.books.finished_calls] == ["10.0.0.1:5000"]
    client.leave()


@pytest.mark.parametrize("how", ["lost", "half-closed"])
async def test_a_client_that_leaves_ends_its_call_at_once(how: str) -> None:
    client = asked(ClientEnd())
    end = client.world.reached()
    if how == "half-closed":
        client.connection.eof_received()
        assert client.wire.aborted
    client.leave()

    assert end.gone
    assert [call.end for call in client.world.books.finished_calls] == ["CW"]
    client.world.assert_at_rest()


async def test_a_half_closed_connection_without_a_call_is_closed() -> None:
    for data in (b"", b"POST /", post()[:-3]):
        client = ClientEnd()
        if data:
            client.send(data)
        client.connection.eof_received()
        assert client.wire.closing
        assert not client.wire.aborted
        client.leave()


async def test_bytes_after_the_last_answer_are_dropped() -> None:
    client = asked(ClientEnd(), b"Connection: close")
    client.serve()
    assert client.stage is Stage.CLOSED
    written = len(client.wire.written)
    client.send(post(), b"\x00")

    assert len(client.wire.written) == written
    assert client.calls == 0
    client.leave()


async def test_a_refused_call_leaves_the_connection_open_a_rejected_request_does_not() -> None:
    client = ClientEnd()
    client.send(post(b"{"))
    assert (client.answer.status, client.code, client.stage) == (400, "bad_json", Stage.IDLE)
    client.wire.written.clear()
    client.send(b"\x16\x03\x01")
    assert (client.answer.status, client.code, client.stage) == (400, "bad_request", Stage.CLOSED)
    assert client.wire.eof
    assert not client.wire.closing
    client.send(b"more" * 1000)
    client.world.pass_time(LINGER + 0.1)
    assert client.wire.aborted
    client.leave()
    client.world.assert_at_rest()


async def test_a_rejected_request_keeps_its_id_and_its_dialect() -> None:
    client = ClientEnd(body=10)
    client.send(post(b" " * 20, b"x-request-id: mine", path=b"/v1/messages"))

    assert client.answer.fields["x-request-id"] == "mine"
    assert b'"type":"error"' in client.answer.body
    client.leave()


async def test_an_idle_connection_is_closed_in_the_end() -> None:
    client = asked(ClientEnd())
    client.serve()
    client.world.pass_time(KEEP_ALIVE - 1)
    assert not client.wire.closing
    client.world.pass_time(2)
    assert client.wire.closing
    assert client.stage is Stage.CLOSED
    client.leave()


async def test_a_connection_on_which_nothing_ever_comes_is_closed_earlier() -> None:
    client = ClientEnd(header_timeout=10.0)
    client.world.pass_time(11)
    assert client.wire.closing
    assert not client.wire.written
    client.leave()


async def test_a_busy_connection_is_looked_at_and_left_alone() -> None:
    client = asked(ClientEnd())
    client.world.reached()
    client.world.pass_time(100)
    assert not client.wire.closing
    assert client.connection.deadline == client.world.time + BUSY_LOOK
    client.leave()


async def test_last_bytes_may_take_their_time_but_not_for_ever() -> None:
    client = asked(ClientEnd(), b"Connection: close")
    client.wire.unsent = 100_000
    client.serve()
    assert client.wire.closing
    for _ in range(5):
        client.wire.unsent -= STEP
        client.world.pass_time(FLUSH + 0.1)
        assert not client.wire.aborted
    client.wire.unsent -= 1
    client.world.pass_time(FLUSH + 0.1)
    assert client.wire.aborted
    client.leave()


async def test_back_pressure_reaches_the_engine_and_is_lifted() -> None:
    client = asked(ClientEnd())
    end = client.world.reached()
    end.send(head(200, b"content-type: text/event-stream", b"transfer-encoding: chunked"))
    end.send(chunk(token()))
    client.connection.pause_writing()
    assert end.wire.paused
    client.connection.resume_writing()
    assert not end.wire.paused
    client.leave()


async def test_back_pressure_without_a_call_is_nobodys_business() -> None:
    client = ClientEnd()
    client.connection.pause_writing()
    client.connection.resume_writing()
    client.leave()


async def test_draining_closes_what_rests_and_makes_other_answers_the_last() -> None:
    client = ClientEnd()
    client.connection.drain()
    assert client.wire.closing
    client.leave()

    client = asked(ClientEnd())
    client.connection.drain()
    assert not client.wire.closing
    client.serve()
    assert client.answer.fields["connection"] == "close"
    assert client.wire.closing
    client.leave()

    client = ClientEnd()
    client.edge.draining = True
    asked(client).serve()
    assert client.answer.fields["connection"] == "close"
    client.leave()


async def test_a_call_that_is_broken_off_ends_the_connection() -> None:
    client = asked(ClientEnd())
    client.world.reached()
    (attempts,) = client.world.course.calls
    failure = Failure(kind=Kind.DRAINING, origin=Origin.PROXY, phase=Phase.WAIT, detail="stopping")
    client.connection.drain()
    attempts.stop(failure)

    assert (client.answer.status, client.code) == (503, "draining")
    assert client.wire.closing
    client.leave()
    client.world.assert_at_rest()


async def test_the_ordinary_lane_answers_and_rests() -> None:
    client = ClientEnd()
    await asyncio.sleep(0)
    client.send(GET)
    assert client.stage is Stage.ORDINARY
    for _ in range(5):
        await asyncio.sleep(0)

    assert client.answer.body == b"a page"
    assert client.stage is Stage.IDLE
    client.wire.written.clear()
    asked(client).serve()
    assert client.answer.status == 200
    client.leave()
    await asyncio.sleep(0)


@pytest.mark.parametrize("behind", [GET, post(), b"rubbish"])
async def test_what_stands_behind_an_ordinary_request_ends_the_connection(behind: bytes) -> None:
    client = ClientEnd()
    await asyncio.sleep(0)
    client.send(GET, behind)
    for _ in range(5):
        await asyncio.sleep(0)

    assert client.answer.body == b"a page"
    assert client.answer.fields["connection"] == "close"
    assert client.wire.closing
    assert client.calls == 0
    client.leave()
    await asyncio.sleep(0)


async def test_an_ordinary_requests_body_is_read_before_it_is_answered() -> None:
    client = ClientEnd()
    await asyncio.sleep(0)
    request = post(b"x" * 100, path=b"/page")
    client.send(request[:-50])
    for _ in range(3):
        await asyncio.sleep(0)
    assert not client.wire.written
    client.send(request[-50:])
    for _ in range(5):
        await asyncio.sleep(0)
    assert client.answer.body == b"a page"
    assert client.stage is Stage.IDLE
    client.leave()
    await asyncio.sleep(0)


async def test_a_page_that_fails_is_told_in_json_and_ends_the_connection() -> None:
    client = ClientEnd()
    await asyncio.sleep(0)

    async def broken(_request: object) -> object:
        raise RuntimeError("secret")

    client.connection._request_handler = broken  # type: ignore[assignment]
    client.send(GET)
    for _ in range(5):
        await asyncio.sleep(0)

    assert (client.answer.status, client.code) == (500, "internal_error")
    assert b"secret" not in client.answer.body
    assert client.wire.closing
    client.leave()
    await asyncio.sleep(0)


async def test_a_connection_lost_before_anything_ran_leaves_nothing_behind() -> None:
    client = ClientEnd()
    task = client.connection._task_handler
    assert task is not None
    client.leave(ConnectionResetError())
    await asyncio.sleep(0)

    assert task.cancelled()
    assert not client.edge.connections
    assert len(client.world.course.wheel) == 0


async def test_aiohttps_own_idle_timer_does_nothing() -> None:
    client = ClientEnd()
    client.connection._process_keepalive()
    assert not client.wire.closing
    assert client.connection._keepalive_handle is None
    client.leave()


async def test_without_an_engine_the_call_waits_and_leaves_the_queue_with_its_client() -> None:
    world = World("a", cap=1)
    clients = [asked(ClientEnd(world)) for _ in range(2)]
    assert world.course.queues.count == 1
    clients[1].leave()
    assert world.course.queues.count == 0
    clients[0].leave()
    world.assert_at_rest()
