"""The states of a connection: those one goes through with a good exchange, and with a bad one."""

from proxy.upstream.framing import LAST_CHUNK
from proxy.upstream.state import BODY, HEAD, IDLE, State
from tests.fixtures.ends import SSE
from tests.unit.upstream.test_exchange import again, begun


def test_a_good_exchange_ends_where_it_began() -> None:
    _, end, pool = begun()
    states = [end.connection.state]

    for piece in (SSE, LAST_CHUNK):
        end.send(piece)
        states.append(end.connection.state)

    assert states == [HEAD, BODY, IDLE]
    again(end, pool)
    assert end.connection.state is State.HEAD


def test_a_bad_one_ends_closed() -> None:
    _, end, _ = begun()

    end.send(SSE, b"no chunk\r\n")

    assert end.connection.state is State.CLOSED
