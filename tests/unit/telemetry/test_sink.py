"""The sink keeps order, never makes its caller wait, and counts what it gives up."""

import os
import threading
from collections.abc import Iterator

import pytest

from proxy.telemetry.sink import Sink


class Pipe:
    """Both ends of a pipe; reading takes whatever is there until the sink has been closed."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()

    def read_all(self) -> bytes:
        os.close(self.into)
        self.into = -1
        data = b""
        while piece := os.read(self.out, 65536):
            data += piece
        return data

    def close(self) -> None:
        for fd in (self.out, self.into):
            if fd >= 0:
                os.close(fd)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def test_lines_arrive_whole_and_in_order(pipe: Pipe) -> None:
    sink = Sink(pipe.into)
    expected = b"".join(b"line %d\n" % number for number in range(3000))
    reader: list[bytes] = []
    lines = expected.splitlines(keepends=True)
    sink.write(lines[0])
    sink.write(b"".join(lines[1:]))
    thread = threading.Thread(target=lambda: reader.append(pipe.read_all()))
    assert sink.flush()
    thread.start()
    thread.join()
    assert reader == [expected]
    assert sink.dropped == 0
    sink.close()


def test_a_reader_that_stopped_costs_lines_and_no_time(pipe: Pipe) -> None:
    sink = Sink(pipe.into, max_pending=100_000)
    line = b"x" * 999 + b"\n"
    for _ in range(1000):  # far more than pipe and queue hold; nobody reads
        sink.write(line)
    kept = 1000 - sink.dropped
    assert 100 <= kept < 400
    assert not sink.flush(timeout=0.01)
    taken = b""
    while len(taken) < kept * 1000:
        taken += os.read(pipe.out, 65536)
    assert sink.flush()
    assert taken == line * kept
    sink.close()


def test_a_reader_that_left_is_counted_not_raised(pipe: Pipe) -> None:
    sink = Sink(pipe.into)
    os.close(pipe.out)
    pipe.out = -1
    sink.write(b"one\ntwo\n")
    assert sink.flush()
    assert sink.dropped == 2
    sink.write(b"three\n")
    assert sink.close()
    assert sink.dropped == 3


def test_a_descriptor_set_to_not_block_loses_nothing(pipe: Pipe) -> None:
    os.set_blocking(pipe.into, False)
    sink = Sink(pipe.into)
    block = b"y" * 99 + b"\n"
    sink.write(block * 2000)  # 200 kB: three times what a pipe takes
    taken = b""
    while len(taken) < 200_000:
        taken += os.read(pipe.out, 65536)
    assert taken == block * 2000
    sink.close()


def test_a_block_is_written_in_pieces_a_shared_pipe_takes_whole(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[bytes] = []

    def write(fd: int, data: bytes) -> int:
        pieces.append(data)
        return len(data)

    sink = Sink(pipe.into)
    monkeypatch.setattr(os, "write", write)
    long = b"z" * 9000 + b"\n"
    sink.write(b"a" * 999 + b"\n" + b"b" * 2999 + b"\n" + b"c" * 499 + b"\n" + long + b"d\n")
    sink.close()
    assert [len(piece) for piece in pieces] == [4000, 500, 9001, 2]
    assert all(piece.endswith(b"\n") for piece in pieces)
