"""Events are cut by the letter of the standard."""

import pytest

from proxy.dialects.translate.payloads import Payloads, TooLongError

STREAM = (
    b'\xef\xbb\xbf: hello\ndata: {"a":1}\n\nevent: x\nid: 3\ndata:two\ndata: lines\n\n\n'
    b"data\n\ndata: end\n\n"
)
FOUND = [b'{"a":1}', b"two\nlines", b"end"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_any_line_end_and_any_cut(end: bytes, size: int) -> None:
    stream = STREAM.replace(b"\n", end)
    payloads = Payloads()
    found = []
    for start in range(0, len(stream), size):
        found += payloads.feed(stream[start : start + size])

    assert found == FOUND
    assert payloads.finish() == []


def test_an_event_without_its_blank_line_is_given_at_the_end() -> None:
    payloads = Payloads()

    assert payloads.feed(b"data: 1\n\ndata: [DO") == [b"1"]
    assert payloads.feed(b"NE]") == []
    assert payloads.finish() == [b"[DONE]"]


@pytest.mark.parametrize("piece", [b"x" * 40, b"data: " + b"x" * 30 + b"\n"])
def test_an_event_beyond_the_limit_is_given_up(piece: bytes) -> None:
    payloads = Payloads(limit=100)
    payloads.feed(b"data: " + b"y" * 60 + b"\n\n")

    for _ in range(100 // len(piece)):
        payloads.feed(piece)

    with pytest.raises(TooLongError):
        payloads.feed(piece)
