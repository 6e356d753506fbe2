"""A line: an answer as any other, or a switch, and word of a full buffer."""

import pytest

from proxy.core.failure import Failure, Kind, Phase
from proxy.upstream import line
from proxy.upstream.framing import BadResponse, ResponseHead
from proxy.upstream.line import Line, switch_fields
from tests.fixtures.ends import ScriptedPool as Pool
from tests.fixtures.ends import Wire, head, plain

SWITCH = head(101, b"Upgrade: WebSocket", b"Connection: upgrade", b"sec-websocket-accept: abc=")


class User:
    """Whoever uses a line."""

    phase = Phase.WAIT

    def __init__(self) -> None:
        self.heard: list[object] = []

    def engine_full(self) -> None:
        self.heard.append("full")

    def engine_ready(self) -> None:
        self.heard.append("ready")

    def switched(self, fields: bytes) -> None:
        self.heard.append(fields)

    def tunnelled(self, data: bytes) -> None:
        self.heard.append(data)

    def head(self, head: ResponseHead, length: int) -> None:
        self.heard.append((head.status, length))

    def whole(self, head: ResponseHead, length: int, body: bytes) -> None:
        self.heard.append((head.status, length, body))

    def chunk(self, data: bytes) -> None:
        self.heard.append(data)

    def last(self, data: bytes) -> None:
        self.heard.append(("last", data))

    def failed(self, failure: Failure) -> None:
        self.heard.append(failure.kind)


def made(*, switch: bool) -> tuple[Line, User, Wire]:
    """Return a line in use."""
    engine, user, wire = line.of(line.make(Pool("a", lambda: 0.0))), User(), Wire()
    engine.connection_made(wire)
    engine.use(b"GET / HTTP/1.1\r\n\r\n", user, switch=user if switch else None)
    return engine, user, wire


@pytest.mark.parametrize("switch", [False, True])
def test_an_answer_is_an_answer_and_the_connection_is_not_kept(*, switch: bool) -> None:
    engine, user, wire = made(switch=switch)
    engine.data_received(plain(b"{}", 403)[:5])
    engine.data_received(plain(b"{}", 403)[5:])

    assert user.heard == [(403, 2, b"{}")]
    assert wire.closing


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_after_a_switch_bytes_pass_as_they_come(step: int) -> None:
    engine, user, _ = made(switch=True)
    data = SWITCH + b"frames"
    for at in range(0, len(data), step):
        engine.data_received(data[at : at + step])

    fields, *rest = user.heard
    assert fields == (
        b"connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: abc=\r\n"
    )
    assert b"".join(rest) == b"frames"  # type: ignore[arg-type] # they are bytes
    engine.connection_lost(None)
    assert user.heard[-1] is Kind.CLOSED


@pytest.mark.parametrize(
    "raw",
    [
        head(101),
        head(101, b"Upgrade: h2c", b"Connection: upgrade"),
        head(101, b"Upgrade: websocket", b"Upgrade: h2c", b"Connection: upgrade"),
        head(101, b"Upgrade: websocket", b"Connection: upgrade", b"x: a\x01b"),
        b"HTTP/1.1 101 X\r\nUpgrade websocket\r\n\r\n",
    ],
)
def test_a_switch_to_something_else_is_refused(raw: bytes) -> None:
    with pytest.raises(BadResponse):
        switch_fields(raw)
    engine, user, wire = made(switch=True)
    engine.data_received(raw)

    assert user.heard == [Kind.BAD_RESPONSE]
    assert wire.aborted


def test_an_unasked_switch_is_a_bad_answer() -> None:
    engine, user, _ = made(switch=False)
    engine.data_received(SWITCH)

    assert user.heard == [Kind.BAD_RESPONSE]


def test_an_endless_head_is_refused() -> None:
    engine, user, _ = made(switch=True)
    engine.data_received(b"HTTP/1.1 101 X\r\nx: " + b"y" * 70_000)

    assert user.heard == [Kind.BAD_RESPONSE]


def test_a_full_buffer_is_told_and_nothing_is_sent_to_who_has_left() -> None:
    engine, user, wire = made(switch=False)
    engine.pause_writing()
    engine.resume_writing()
    engine.send(b"body")
    assert wire.written.endswith(b"body")
    engine.hang_up()
    engine.send(b"more")
    engine.pause_writing()
    engine.resume_writing()
    engine.connection_lost(None)

    assert user.heard == ["full", "ready"]
    assert not wire.written.endswith(b"more")
    assert not wire.aborted
