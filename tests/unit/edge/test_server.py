"""The client port from its listener to its end, over a Unix socket."""

import asyncio
import socket
import uuid
from pathlib import Path

import pytest

from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.edge.routes import application
from proxy.edge.server import Edge
from proxy.settings.schema import Limits
from tests.fixtures.client_end import post
from tests.fixtures.course import World
from tests.fixtures.stack import eventually


def edge(**limits: int) -> Edge:
    return Edge(World("a").course, Limits(**limits))


async def started(served: Edge, path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.setblocking(False)
    listening.bind(str(path))
    await served.start([listening], application(served.course, served.new_id, ()))


def test_ids_are_unique_in_a_process_and_between_processes() -> None:
    one, other = edge(), edge()
    ids = [made.new_id() for made in (one, one, one, other)]

    assert len(set(ids)) == 4
    assert ids[0].rpartition("-")[0] == ids[1].rpartition("-")[0] != ids[3].rpartition("-")[0]


def test_an_id_is_a_uuid() -> None:
    ident = edge().new_id()

    parsed = uuid.UUID(ident)
    assert (str(parsed), parsed.version, parsed.variant) == (ident, 4, uuid.RFC_4122)


def test_only_a_client_that_asks_for_an_unknown_model_is_shown_the_names() -> None:
    served = Edge(World("a", aliases={"some-alias": ["m"]}).course, Limits())
    call = Call("id", "/v1/chat/completions", 0.0)
    call.model = "n"

    def told(kind: Kind) -> bytes:
        failure = Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail="d")
        return served.error_answer(call, failure, close=False)

    assert b"some-alias" in told(Kind.UNKNOWN_MODEL)
    assert b"some-alias" not in told(Kind.BAD_REQUEST)


def test_a_page_that_failed_is_logged_and_says_nothing_of_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = edge().ordinary_error(500, RuntimeError("secret"))

    assert answer.status == 500
    assert b"secret" not in bytes(answer.body)  # type: ignore[arg-type]
    logged = capsys.readouterr().out
    assert "secret" in logged
    assert answer.headers["x-request-id"] in logged


async def test_it_serves_stops_accepting_lets_go_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "s"
    served = edge()
    await started(served, path)
    reader, writer = await asyncio.open_unix_connection(str(path))
    idle, other = await asyncio.open_unix_connection(str(path))
    writer.write(post(b'{"model":"m"}'))
    await eventually(lambda: bool(served.course.calls))
    assert [connection.peer for connection in served.connections] == ["unix", "unix"]

    served.stop_accepting()
    with pytest.raises(OSError, match="refused"):
        await asyncio.open_unix_connection(str(path))
    served.draining = True
    served.wind_up()
    assert [connection.closing for connection in served.connections] == [True, True]
    served.close_idle()
    assert await idle.read() == b""
    assert len(served.course.calls) == 1

    await served.stop()
    assert await reader.read() == b""
    assert not served.course.calls
    for each in (writer, other):
        each.close()
    await asyncio.sleep(0)
    assert not served.connections


async def test_a_small_limit_does_not_stop_a_body_in_pieces(tmp_path: Path) -> None:
    """What aiohttp buffers for a body is bounded by us, not by its own flow control."""
    path = tmp_path / "s"
    served = edge(body=1024)
    await started(served, path)
    reader, writer = await asyncio.open_unix_connection(str(path))
    head = post(b"").partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
    body = b'{"model":"nobody"}' + b" " * 500
    writer.write(head + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")

    assert b"404" in await reader.readline()
    writer.close()
    await served.stop()
