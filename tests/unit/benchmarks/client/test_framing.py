"""The end of an answer is found while it arrives, however it is cut and framed."""

import pytest

from benchmarks.client.framing import State, Watch, ends, taken_apart

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = [b"6\r\nabc\n\n\n\r\n", b"3\r\nx\n\n\r\n", b"0\r\n\r\n"]
COUNTED = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


def watched(*reads: bytes) -> tuple[Watch, int | None]:
    """Return the watch and the number of the read at which it saw the end."""
    watch, seen = Watch(), []
    for at, data in enumerate(reads):
        seen.append((at + 1, data))
        if watch.look(seen):
            return watch, at
    return watch, None


def test_a_chunked_answer_ends_with_its_last_chunk() -> None:
    watch, at = watched(HEAD, *CHUNKS)

    assert (at, watch.status, watch.head_ns, watch.keep) == (3, 200, 1, True)


def test_an_answer_in_one_read() -> None:
    assert watched(HEAD + b"".join(CHUNKS))[1] == 0
    assert watched(COUNTED)[1] == 0


@pytest.mark.parametrize("cut", range(1, 12))
def test_the_last_chunk_may_be_cut_anywhere(cut: int) -> None:
    tail = CHUNKS[1] + CHUNKS[2]

    assert watched(HEAD, CHUNKS[0], tail[:-cut], tail[-cut:])[1] == 3


@pytest.mark.parametrize(
    "last", [b"000\r\n\r\n", b"0;a=b\r\n\r\n", b"0\r\nX-Sum: 1\r\nY: 2\r\n\r\n"]
)
def test_odd_last_chunks(last: bytes) -> None:
    assert watched(HEAD, CHUNKS[0], last)[1] == 2
    assert watched(HEAD, CHUNKS[0] + last)[1] == 1


def test_events_with_crlf_are_no_end() -> None:
    assert watched(HEAD, b"b\r\ndata: 0\r\n\r\n\r\n")[1] is None
    assert not ends([(1, b"c\r\ndata: 10\r\n\r\n\r\n")])


def test_a_body_without_length_ends_with_the_connection() -> None:
    reads = [(1, b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhel"), (2, b"lo")]
    watch, at = watched(*[data for _, data in reads])

    assert at is None
    assert watch.closed()
    assert taken_apart(reads, closed=True).complete
    assert not taken_apart(reads, closed=False).complete


def test_a_cut_body_is_not_complete_when_the_connection_closes() -> None:
    counted = [(1, COUNTED[:-1].replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))]

    assert not taken_apart(counted, closed=True).complete
    assert not taken_apart([(1, HEAD + CHUNKS[0])], closed=True).complete


def test_interim_answers_come_before_the_real_one() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    watch, at = watched(interim, interim + HEAD, *CHUNKS)

    assert (at, watch.status, watch.head_ns) == (4, 200, 2)
    message = taken_apart([(1, interim), (2, HEAD + b"".join(CHUNKS))], closed=False)
    assert (message.status, message.complete, "link" in message.headers) == (200, True, False)


def test_pieces_have_the_stamp_of_their_read() -> None:
    reads = list(enumerate([HEAD + CHUNKS[0], CHUNKS[1], CHUNKS[2]]))
    message = taken_apart(reads, closed=False)

    assert message.pieces == [(0, b"abc\n\n\n"), (1, b"x\n\n")]
    assert message.ended_ns == 2
    assert message.headers["content-type"] == "text/event-stream"


def test_a_false_end_is_found_out() -> None:
    # Content that looks like a last chunk at the end of a read fools the watch, not the reading.
    chunk = b"9\r\nab\r\n0\r\n\r\n"
    assert watched(HEAD, chunk)[1] == 1
    assert not taken_apart([(1, HEAD), (2, chunk)], closed=False).complete


def test_what_is_no_http() -> None:
    assert "not HTTP" in taken_apart([(1, b"SSH-2.0-x\r\n")], closed=False).problem
    assert "behind the end" in taken_apart([(1, COUNTED), (2, b"x")], closed=False).problem


def test_states_are_those_of_the_table() -> None:
    watch = Watch()
    assert watch.state is State.HEAD
    watch.look([(1, HEAD)])
    assert watch.state is State.CHUNKED
