"""Seams: where a broken body may be added to, and what of its end must not go out."""

import pytest

from proxy.flow.seams import at_event_boundary, before_last_chunk, without_surplus
from tests.fixtures.ends import LAST, chunk, token


@pytest.mark.parametrize(
    ("pieces", "stream", "framed", "wanted"),
    [
        ([], "sse", False, True),
        ([token()], "sse", False, True),
        ([b"data: x\r\n\r\n"], "sse", False, True),
        ([b"data: x\r\r"], "sse", False, True),
        ([token()[:-1]], "sse", False, False),
        ([token(), b"data: half"], "sse", False, False),
        ([token()[:-1], b"\n"], "sse", False, True),
        ([b'{"a":1}\n'], "ndjson", False, True),
        ([b'{"a":1}'], "ndjson", False, False),
        ([chunk(token())], "sse", True, True),
        ([chunk(token()), LAST], "sse", True, True),
        ([chunk(token()) + LAST], "sse", True, True),
        ([chunk(token()[:-1])], "sse", True, False),
        ([chunk(token()[:-2])], "sse", True, False),
        ([chunk(token()[:-2]), chunk(b"\n")], "sse", True, False),  # a line end that is framing
        ([chunk(b'{"a":1}\n')], "ndjson", True, True),
        ([chunk(b'{"a":1}')], "ndjson", True, False),
    ],
)
def test_an_event_may_follow_a_whole_one_only(
    pieces: list[bytes], stream: str, framed: bool, wanted: bool
) -> None:
    assert at_event_boundary(pieces, stream, framed=framed) is wanted


def test_in_doubt_whether_a_line_end_is_data_the_answer_is_no() -> None:
    assert not at_event_boundary([chunk(token()[:-1]), chunk(b"\n")], "sse", framed=True)


@pytest.mark.parametrize(
    ("before", "last", "wanted"),
    [
        ([chunk(b"a")], LAST, (b"", True)),
        ([chunk(b"a")], chunk(b"b") + LAST, (chunk(b"b"), True)),
        ([], LAST, (b"", True)),
        ([chunk(b"a"), b"0\r\n"], b"\r\n", (b"", False)),
        ([chunk(b"a"), b"0"], b"\r\n\r\n", (b"", False)),
        ([chunk(b"a")], b"00\r\n\r\n", (b"", False)),
        ([chunk(b"a")], b"0\r\nx-cost: 0\r\n\r\n", (b"", False)),
        ([chunk(b"a"), b"0\r\nx-cost: "], b"0\r\n\r\n", (b"", False)),
    ],
)
def test_the_last_chunk_is_held_back_in_all_its_parts(
    before: list[bytes], last: bytes, wanted: tuple[bytes, bool]
) -> None:
    assert before_last_chunk([*before, last], last) == wanted


@pytest.mark.parametrize("surplus", [b"", b"\r\n", b"\n", b"\r\n\r\n\r\n"])
@pytest.mark.parametrize(
    ("before", "last"),
    [
        ([], chunk(b"a\r\n\r\n") + LAST),
        ([chunk(b"a")], LAST),
        ([chunk(b"a\r\n"), b"0"], b"\r\n\r\n"),
        ([chunk(b"a"), b"0\r\n\r"], b"\n"),
        ([chunk(b"a"), b"0\r\n"], b"x-a: 1\r\n\r\n"),
    ],
)
def test_line_ends_behind_a_message_are_cut_off(
    before: list[bytes], last: bytes, surplus: bytes
) -> None:
    assert without_surplus(before, last + surplus) == last
