"""Stamps in text, and what token indices tell."""

import pytest

from benchmarks.client.stamps import Integrity, Piece, beside, in_content, integrity


def one(token: int, words: int = 1) -> Piece:
    return Piece(token, 1000 + token, words)


def test_stamps_leave_the_text() -> None:
    text, pieces = in_content("~0:50:40~amber")

    assert text == "amber"
    assert pieces == [Piece(0, 50, 1, 40)]


def test_events_put_together_on_the_way_keep_their_stamps() -> None:
    text, pieces = in_content("~4:50~ amber~5:60~ basin cobalt")

    assert text == " amber basin cobalt"
    assert pieces == [Piece(4, 50, 1), Piece(5, 60, 2)]


def test_text_without_stamps_is_left_alone() -> None:
    assert in_content("a ~ b") == ("a ~ b", [])


@pytest.mark.parametrize(
    ("pieces", "total", "expected"),
    [
        ([one(0), one(1), one(2)], 3, Integrity()),
        ([one(0, 2), one(2, 2)], 4, Integrity()),
        ([one(0), one(2)], 3, Integrity(lost=1)),
        ([one(0), one(1)], 4, Integrity(lost=2)),
        ([one(0), one(1)], None, Integrity()),
        ([one(0), one(1), one(1)], 2, Integrity(duplicated=1)),
        ([one(0), one(2), one(1)], 3, Integrity(reordered=1)),
        ([], 2, Integrity(lost=2)),
    ],
)
def test_indices_tell_what_happened(
    pieces: list[Piece], total: int | None, expected: Integrity
) -> None:
    assert integrity(pieces, total) == expected


def test_a_side_log_is_dealt_out_to_events() -> None:
    assert beside([1, 1, 1], [5, 6, 7]) == [5, 6, 7]
    assert beside([2, 1], [5, 6, 7]) == [5, 7]
    assert beside([4, 4], [5, 9]) == [5, 9]
    assert beside([1], [5, 6]) is None
