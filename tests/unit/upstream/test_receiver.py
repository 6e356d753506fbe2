"""What passes straight through an exchange, and what its receiver gets to see."""

import pytest

from proxy.core.failure import Kind
from tests.fixtures.ends import LAST, EngineEnd, ScriptedPool, chunk, token
from tests.unit.upstream.test_exchange import REQUEST, Keeper

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = chunk(token())


class Piped:
    """Fulfils `receiver.Pipe`."""

    def __init__(self, *, stand: bool = True) -> None:
        self.chunks = self.size = 0
        self.latest = self.earlier = b""
        self.written: list[bytes] = []
        self.write = self.written.append
        self.closed = 0
        self.astray = False
        self._stand = stand

    def stray(self) -> None:
        self.astray = True

    def stands(self) -> bool:
        self.closed += 1
        return self._stand


def opened(pipe: Piped) -> tuple[EngineEnd, Keeper]:
    end, keeper = EngineEnd(ScriptedPool("a", lambda: 0.0)), Keeper()
    end.connection.begin(REQUEST, b"{}", keeper)
    end.send(CHUNKED)
    end.connection.through = pipe
    return end, keeper


def test_with_a_pipe_a_receiver_sees_the_end_only() -> None:
    pipe = Piped()
    end, keeper = opened(pipe)

    end.send(EVENT, EVENT + EVENT, LAST)

    assert pipe.written == [EVENT, EVENT + EVENT]
    assert (pipe.earlier, pipe.latest) == (EVENT, EVENT + EVENT)
    assert (pipe.chunks, pipe.size) == (2, 3 * len(EVENT))
    assert keeper.heard == [("last", LAST)]


@pytest.mark.parametrize("stand", [True, False])
def test_a_piece_that_does_not_end_with_an_event_closes_the_pipe(*, stand: bool) -> None:
    pipe = Piped(stand=stand)
    end, keeper = opened(pipe)

    end.send(EVENT, EVENT[:9], EVENT[9:], EVENT)

    assert pipe.written == [EVENT]
    assert pipe.closed
    assert keeper.heard == [EVENT[:9], EVENT[9:], EVENT]


def test_a_pipe_that_was_deceived_is_noticed_when_it_is_closed() -> None:
    pipe = Piped()
    end, keeper = opened(pipe)

    end.send(b"40\r\na: b\n\n\r\n", b"c")  # the chunk goes on

    assert pipe.astray
    assert keeper.failure is not None
    assert keeper.failure.kind is Kind.BAD_RESPONSE
    assert not keeper.heard


@pytest.mark.parametrize("surplus", [b"\n", b"HTTP/1.1 200 OK\r\na: b\n\n\r\n"])
def test_the_end_of_a_message_is_not_overlooked_behind_what_looks_like_an_event(
    surplus: bytes,
) -> None:
    pipe = Piped()
    end, keeper = opened(pipe)

    end.send(EVENT + LAST + surplus)

    assert keeper.heard == [("last", EVENT + LAST)]
    assert not pipe.written
    assert end.wire.closing


def test_the_next_response_does_not_find_the_pipe_of_the_one_before() -> None:
    pipe = Piped()
    end, _ = opened(pipe)
    end.send(LAST)

    keeper = Keeper()
    end.connection.begin(REQUEST, b"{}", keeper)
    end.send(CHUNKED, EVENT, LAST)

    assert keeper.heard == [EVENT, ("last", LAST)]
    assert not pipe.written
