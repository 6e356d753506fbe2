"""What is poured together of a large body is the body, and its pieces are let go."""

from collections import deque
from io import BytesIO

import pytest

from proxy.edge.gathered import Pieces, pour, whole


@pytest.mark.parametrize("kind", [list, deque])
def test_a_body_is_its_pieces_in_order(kind: type[Pieces]) -> None:
    bulk: BytesIO | None = None
    pieces = kind([b"a", b"bc"])
    bulk = pour(bulk, pieces)
    assert not pieces
    pieces.append(b"d")
    bulk = pour(bulk, pieces)
    pieces.append(b"ef")

    assert whole(bulk, pieces) == b"abcdef"
    assert not pieces


def test_a_small_body_needs_no_buffer() -> None:
    assert whole(None, [b"a", b"b"]) == b"ab"
    assert whole(None, deque()) == b""


def test_the_buffer_is_handed_over_without_a_copy() -> None:
    bulk = pour(None, [b"x" * 1000])

    assert whole(bulk, []) is bulk.getvalue()
