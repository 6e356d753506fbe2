"""A head is recognised if it comes again byte for byte but for its length, and never otherwise."""

from collections.abc import Iterator

import pytest

from proxy.dialects.openai_api import OPERATIONS
from proxy.edge.heads import Head
from proxy.edge.memo import MAX_HEAD, Memo

PATH = "/v1/chat/completions"
BEFORE = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x:80\r\nContent-Length: "
AFTER = b"\r\nX-Session: 12345\r\nAccept: */*"
END = b"\r\n\r\n"
BODY = b'{"model":"m"}'
HEAD = BEFORE + b"13" + AFTER


def judged(length: int = len(BODY)) -> Head:
    return Head(
        path=PATH,
        operation=OPERATIONS[PATH],
        request=None,
        length=length,
        http10=False,
        close=False,
        expects=False,
    )


def kept(data: bytes = HEAD + END + BODY) -> Memo:
    memo = Memo.of(judged(), data)
    assert memo is not None
    return memo


def matched(memo: Memo, head: bytes, body: bytes = BODY) -> int:
    """Return what the memo makes of a head, found as the edge finds it."""
    data = head + END + body
    return memo.match(data, data.find(END))


def edits(head: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield every one-byte edit: the bytes `[first:last]` are to give way to `new`."""
    for place in range(len(head) + 1):
        for number in range(256):
            byte = bytes([number])
            yield place, place, byte
            if place < len(head) and head[place] != number:
                yield place, place + 1, byte
        if place < len(head):
            yield place, place + 1, b""


# recognised
# ----------------------------------------------------------------------------------------------


def test_the_same_head_is_recognised_and_its_judgement_kept() -> None:
    head = judged()
    memo = Memo.of(head, HEAD + END + BODY)

    assert memo is not None
    assert memo.head is head
    assert matched(memo, HEAD) == 13


@pytest.mark.parametrize("length", [0, 1, 9, 10, 100, 123456, 99999999999])
def test_the_length_may_differ(length: int) -> None:
    assert matched(kept(), BEFORE + b"%d" % length + AFTER) == length


@pytest.mark.parametrize("body", [b"", b"{", BODY, BODY * 1000, END, HEAD + END])
def test_what_follows_the_head_is_not_looked_at(body: bytes) -> None:
    assert matched(kept(), HEAD, body) == 13


@pytest.mark.parametrize(
    "line", [b"Content-Length: 13", b"content-length: 13", b"CONTENT-LENGTH:13"]
)
def test_a_length_is_found_however_it_is_written_and_must_be_written_so_again(line: bytes) -> None:
    start = b"POST / HTTP/1.1\r\n"
    memo = kept(start + line + END + BODY)  # the last field of its head

    assert matched(memo, start + line) == 13
    assert matched(memo, start + line.swapcase()) == -1
    assert matched(memo, start + line + b"\r\nX: y") == -1


# never recognised
# ------------------------------------------------------------------------------------


def test_one_byte_off_anywhere_is_another_head() -> None:
    memo = kept()
    first, last = len(BEFORE), len(BEFORE) + 2  # where the digits are
    for begin, end, new in edits(HEAD):
        edited = HEAD[:begin] + new + HEAD[end:]
        digits = begin >= first and end <= last and (new.isdigit() or not new)
        expected = int(edited[first : last + len(edited) - len(HEAD)]) if digits else -1
        assert matched(memo, edited) == expected, (begin, end, new)


def test_an_empty_line_before_it_is_not_skipped() -> None:
    data = b"\r\n" + HEAD + END

    assert kept().match(data, len(data) - len(END)) == -1


def test_two_bytes_exchanged_are_another_head() -> None:
    memo = kept()
    for place in range(len(HEAD) - 1):
        pair = HEAD[place : place + 2]
        other = HEAD[:place] + pair[::-1] + HEAD[place + 2 :]
        if other != HEAD and not pair.isdigit():
            assert matched(memo, other) == -1, place


def test_a_part_of_the_head_is_another_head() -> None:
    memo = kept()
    for first in range(len(HEAD)):
        for last in range(first, len(HEAD)):
            if (first, last) != (0, len(HEAD)):
                assert matched(memo, HEAD[first:last]) == -1


def test_beginning_and_end_must_not_share_bytes() -> None:
    head = b"POST / HTTP/1.1\r\nA: \r\nContent-Length: 13\r\nA: \r\nContent-Type: "
    memo = kept(head + END + BODY)
    before, after = head[: head.index(b"13")], head[head.index(b"13") + 2 :]
    for shared in range(1, len(after) + 1):
        assert matched(memo, before + after[shared:]) == -1
        assert matched(memo, before[:-shared] + after) == -1


@pytest.mark.parametrize(
    "digits",
    [
        b"",
        b" 13",
        b"13 ",
        b"+13",
        b"-1",
        b"1_3",
        b"0x1",
        b"13x",
        b"1\r\nA: 3",
        b"\xb2",
        b"\xd9\xa3",
    ],
)
def test_what_is_not_digits_is_no_length(digits: bytes) -> None:
    assert matched(kept(), BEFORE + digits + AFTER) == -1


def test_a_length_has_no_more_digits_than_can_be_meant() -> None:
    memo = kept()

    assert matched(memo, BEFORE + b"1" * 11 + AFTER) == 11111111111
    assert matched(memo, BEFORE + b"1" * 12 + AFTER) == -1
    assert matched(memo, BEFORE + b"1" * 5000 + AFTER) == -1


def test_another_field_behind_the_length_is_another_head() -> None:
    memo = kept()

    assert matched(memo, BEFORE + b"13\r\nTransfer-Encoding: chunked" + AFTER) == -1
    assert matched(memo, BEFORE + b"13\r\nContent-Length: 14" + AFTER) == -1
    assert matched(memo, HEAD + b"\r\nContent-Length: 14") == -1


# not kept
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [b"P", b"\r\n", BODY, HEAD + END])
def test_a_head_is_not_kept_if_something_stands_behind_its_body(behind: bytes) -> None:
    assert Memo.of(judged(), HEAD + END + BODY + behind) is None


@pytest.mark.parametrize("there", range(len(BODY) + 1))
def test_a_head_is_kept_however_much_of_its_body_is_there(there: int) -> None:
    assert matched(kept(HEAD + END + BODY[:there]), HEAD) == 13


@pytest.mark.parametrize("cut", range(1, len(END) + 1))
def test_a_head_without_its_end_is_not_kept(cut: int) -> None:
    assert Memo.of(judged(), (HEAD + END)[:-cut]) is None
    assert Memo.of(judged(0), b"") is None


def test_a_chunked_head_is_not_kept() -> None:
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked"

    assert Memo.of(judged(-1), chunked + END) is None
    assert Memo.of(judged(-1), HEAD + END) is None


@pytest.mark.parametrize("second", [b"13", b"14", b"0"])
@pytest.mark.parametrize("name", [b"Content-Length", b"content-length"])
def test_a_head_with_two_lengths_is_not_kept(name: bytes, second: bytes) -> None:
    apart = HEAD + b"\r\n" + name + b": " + second
    assert Memo.of(judged(), apart + END) is None


@pytest.mark.parametrize(
    "line", [b"X-Content-Length: 13", b"Content-Length:\t13", b"Content-Length:  13", b"A: b"]
)
def test_a_head_whose_length_is_not_found_is_not_kept(line: bytes) -> None:
    assert Memo.of(judged(), b"POST / HTTP/1.1\r\n" + line + END + BODY) is None


@pytest.mark.parametrize("length", [0, 12, 14, 130])
def test_a_head_is_not_kept_if_the_parser_found_another_length(length: int) -> None:
    assert Memo.of(judged(length), HEAD + END) is None


def test_a_length_in_the_body_is_none() -> None:
    length = b"\r\nContent-Length: 13\r\n"
    body = length[: len(BODY)]

    assert Memo.of(judged(), b"POST / HTTP/1.1\r\nHost: x" + END + body) is None
    long = BEFORE + b"%d" % len(length) + AFTER
    memo = Memo.of(judged(len(length)), long + END + length)
    assert memo is not None
    assert matched(memo, HEAD) == 13


def test_a_long_head_is_not_kept() -> None:
    room = MAX_HEAD - len(HEAD) - len(b"\r\nX: \r\n")
    fits = HEAD + b"\r\nX: " + b"y" * room

    assert matched(kept(fits + END + BODY), fits) == 13
    assert Memo.of(judged(), fits + b"y" + END + BODY) is None
