"""A body told as pieces has the bytes and the length of the body it stands for."""

import pytest

from proxy.core.patched import Patched, in_pieces


@pytest.mark.parametrize(("start", "end"), [(0, 0), (0, 3), (2, 2), (1, 5), (6, 6), (0, 6)])
def test_the_pieces_are_the_body_with_the_part_replaced(start: int, end: int) -> None:
    made = Patched(b"abcdef", start, end, b"NEW")

    joined = b"".join(in_pieces(made))

    assert joined == b"abcdef"[:start] + b"NEW" + b"abcdef"[end:]
    assert len(made) == len(joined)


def test_the_rest_of_the_body_is_not_copied() -> None:
    body = b"abcdef"
    before, _, behind = in_pieces(Patched(body, 2, 3, b""))

    assert isinstance(before, memoryview)
    assert isinstance(behind, memoryview)
    assert before.obj is behind.obj is body


def test_a_body_that_is_one_piece_stays_one() -> None:
    assert in_pieces(b"abc") == (b"abc",)
