"""Seams: what stands behind a message and must not go out."""

import pytest

from proxy.flow.seams import without_surplus
from tests.fixtures.ends import LAST, chunk


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
