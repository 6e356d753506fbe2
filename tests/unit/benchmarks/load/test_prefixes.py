"""Shared prefixes as block ids."""

import numpy as np
import pytest

from benchmarks.load.prefixes import BLOCK, Groups, group_blocks, parse, session_blocks
from benchmarks.load.streams import stream
from benchmarks.load.wording import WorkloadError


def test_zipf_groups_are_used_by_rank() -> None:
    chosen = Groups(4, 1.0).at(stream(1, "prefixes").random(25_000))
    seen = np.bincount(chosen, minlength=4) / chosen.size

    assert seen == pytest.approx(np.array([12, 6, 4, 3]) / 25, rel=0.08)


def test_without_skew_all_are_used_alike() -> None:
    seen = np.bincount(Groups(4).at(stream(1, "prefixes").random(20_000)))

    assert seen == pytest.approx([5000] * 4, rel=0.08)


def test_groups_never_share_blocks_and_shorter_is_a_beginning() -> None:
    long, short, other = group_blocks(3, 512), group_blocks(3, 256), group_blocks(4, 512)

    assert len(long) == 512 // BLOCK
    assert long[: len(short)] == short
    assert not set(long) & set(other)
    assert group_blocks(3, BLOCK - 1) == ()


def test_a_turn_begins_with_the_turn_before() -> None:
    shared = group_blocks(0, 32)
    first, second = (session_blocks(7, shared, size) for size in (100, 230))

    assert second[: len(first)] == first
    assert first[:2] == shared
    assert len(second) == 230 // BLOCK
    assert not set(first[2:]) & set(session_blocks(8, shared, 100)[2:])


def test_words() -> None:
    assert parse("8") == parse("8:uniform") == Groups(8)
    assert parse("8:zipf1.1") == Groups(8, 1.1)
    for wrong in ("", "0", "8:zipf", "8:normal", "2000000"):
        with pytest.raises(WorkloadError):
            parse(wrong)
