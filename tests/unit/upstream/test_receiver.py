"""What passes straight through an exchange, and what its receiver gets to see."""

from proxy.upstream.receiver import CRUMB
from tests.fixtures.ends import EngineEnd, ScriptedPool
from tests.unit.upstream.test_exchange import REQUEST, Keeper

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Piped:
    """Fulfils `receiver.Pipe`."""

    def __init__(self) -> None:
        self.chunks = self.size = 0
        self.kept: list[bytes] = []
        self.written: list[bytes] = []
        self.keep = self.kept.append
        self.write = self.written.append


def test_with_a_pipe_a_receiver_sees_crumbs_and_the_end_only() -> None:
    end, keeper, pipe = EngineEnd(ScriptedPool("a", lambda: 0.0)), Keeper(), Piped()
    end.connection.begin(REQUEST, b"{}", keeper)
    end.send(CHUNKED)
    end.connection.redirect(keeper, pipe)
    size = b"%x\r\n" % (CRUMB + 7)
    rest = b"x" * (CRUMB + 7) + b"\r\n"

    end.send(size + rest, size, rest, b"0\r\n\r\n")

    assert pipe.written == pipe.kept == [size + rest, rest]
    assert (pipe.chunks, pipe.size) == (2, len(size + 2 * rest))
    assert keeper.heard == [size, ("last", b"0\r\n\r\n")]


def test_the_next_response_does_not_find_the_pipe_of_the_one_before() -> None:
    end, pipe = EngineEnd(ScriptedPool("a", lambda: 0.0)), Piped()
    for _ in range(2):
        keeper = Keeper()
        end.connection.begin(REQUEST, b"{}", keeper)
        end.send(CHUNKED, b"28\r\n" + b"x" * 40 + b"\r\n")
        end.connection.redirect(keeper, pipe)
        end.send(b"0\r\n\r\n")

        assert keeper.heard[0] == b"28\r\n" + b"x" * 40 + b"\r\n"
    assert not pipe.written
