"""One line, fed by hand."""

import asyncio
from collections.abc import Callable
from typing import Any

from typing_extensions import override

from benchmarks.client.line import Line
from benchmarks.client.pacing import Agenda, Alarm
from benchmarks.client.reading import Raw

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.aborted = False
        self.paused = False

    @override
    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    @override
    def is_closing(self) -> bool:
        return self.aborted

    @override
    def abort(self) -> None:
        self.aborted = True

    @override
    def pause_reading(self) -> None:
        self.paused = True

    @override
    def resume_reading(self) -> None:
        self.paused = False


class NoAlarm:
    """An alarm that never calls."""

    def set(self, at_ns: int) -> None:
        """Forget it."""

    def close(self) -> None:
        """Do nothing."""


class Scene:
    """A line that is open, and what it told."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.lost = 0
        self.wire = Wire()
        self.agenda = Agenda(self._alarm)
        self.line = Line(self._lost, self.agenda)
        self.line.connection_made(self.wire)
        self.raw = Raw(0, 0)

    def _alarm(self, call: Callable[[], None]) -> tuple[Alarm, str]:
        return NoAlarm(), "none"

    def _lost(self, line: Line) -> None:
        self.lost += 1

    def send(self, read_rate: float | None = None) -> None:
        self.raw = Raw(0, 0)
        self.line.send(self.raw, b"request", self._ended, read_rate=read_rate)

    def _ended(self, line: Line, raw: Raw) -> None:
        assert raw is self.raw
        self.ends.append(raw.failure)


def test_an_answer_ends_once_and_the_line_can_be_used_again() -> None:
    scene = Scene()
    scene.send()
    assert not scene.line.usable
    scene.line.data_received(WHOLE)

    assert scene.wire.sent == [b"request"]
    assert scene.ends == [""]
    assert scene.line.usable
    assert scene.raw.ended_ns == scene.raw.head_ns == scene.raw.reads[0][0]

    scene.send()
    scene.line.data_received(HEAD)
    scene.line.data_received(b"0\r\n\r\n")
    assert scene.ends == ["", ""]


def test_an_answer_with_connection_close_uses_the_line_up() -> None:
    scene = Scene()
    scene.send()
    scene.line.data_received(WHOLE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))

    assert scene.ends == [""]
    assert not scene.line.usable


def test_closes() -> None:
    scene = Scene()
    scene.send()
    scene.line.connection_lost(None)
    assert scene.ends == ["closed before the answer"]

    scene = Scene()
    scene.send()
    scene.line.data_received(HEAD)
    scene.line.connection_lost(ConnectionResetError("reset"))
    assert scene.ends == ["closed in the middle of the answer: reset"]

    scene = Scene()
    scene.line.connection_lost(None)
    assert (scene.ends, scene.lost, scene.line.usable) == ([], 1, False)


def test_a_body_without_length_ends_with_its_connection() -> None:
    scene = Scene()
    scene.send()
    scene.line.data_received(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello")
    scene.line.connection_lost(None)

    assert scene.ends == [""]
    assert scene.raw.closed


def test_a_line_that_is_closing_sends_nothing() -> None:
    scene = Scene()
    scene.wire.abort()
    scene.send()

    assert scene.wire.sent == []
    assert scene.ends == ["the connection was closed before the request"]


def test_a_cancelled_request_is_no_failure_and_an_old_one_cannot_be_cancelled() -> None:
    scene = Scene()
    scene.send()
    old = scene.raw
    scene.line.data_received(WHOLE)
    scene.line.cancel(old)
    assert not scene.wire.aborted

    scene.send()
    scene.line.cancel(scene.raw)
    assert (scene.ends, scene.raw.cancelled, scene.wire.aborted) == (["", ""], True, True)
    assert not scene.line.usable


def test_giving_up_names_the_reason() -> None:
    scene = Scene()
    scene.send()
    scene.line.give_up(scene.raw, "no end within 1 s")

    assert scene.ends == ["no end within 1 s"]
    assert scene.wire.aborted


def test_bytes_nobody_asked_for_close_the_line() -> None:
    scene = Scene()
    scene.line.data_received(b"220 hello\r\n")

    assert scene.wire.aborted
    assert not scene.line.usable


def test_what_is_no_http_ends_the_request() -> None:
    scene = Scene()
    scene.send()
    scene.line.data_received(b"220 hello\r\n")

    assert scene.ends[0].startswith("the answer is not HTTP")


def test_a_read_does_what_is_due() -> None:
    scene = Scene()
    done: list[int] = []
    scene.agenda.at(1, lambda: done.append(1))
    scene.send()
    scene.line.data_received(HEAD)

    assert done == [1]


async def test_a_slow_reader_pauses_after_each_read_until_the_end() -> None:
    scene = Scene()
    scene.send(read_rate=1.0)
    scene.line.data_received(HEAD)
    assert scene.wire.paused

    scene.line.data_received(b"0\r\n\r\n")
    assert not scene.wire.paused
    assert scene.ends == [""]
