"""Prompts have the size that was asked for and share what they should share."""

import pytest

from benchmarks.client import prompts


@pytest.mark.parametrize("tokens", [1, 2, 8, 9, 10, 100, 70_000])
def test_four_characters_are_a_token(tokens: int) -> None:
    text = prompts.text(tokens, unique="a")

    assert len(text) == tokens * 4 - 1
    assert len(text.split()) == tokens


def test_equal_blocks_give_equal_beginnings() -> None:
    one = prompts.text(64, prefix=(7, 8), block=16, unique="a")
    two = prompts.text(64, prefix=(7, 9), block=16, unique="b")

    assert one[:64] == two[:64]
    assert one[64:128] != two[64:128]


def test_what_is_unique_differs_from_its_first_words_on() -> None:
    firsts = {prompts.text(32, unique=f"r:{at}")[:36] for at in range(500)}

    assert len(firsts) == 500


def test_a_longer_text_begins_with_the_shorter_one() -> None:
    assert prompts.text(500, unique="s").startswith(prompts.text(30, unique="s"))


def test_a_prefix_longer_than_the_prompt_is_cut() -> None:
    assert len(prompts.text(20, prefix=(1, 2, 3), block=16, unique="a")) == 79


def test_the_tag_stands_at_the_end_and_counts() -> None:
    tag = prompts.tag(1, 2)
    text = prompts.text(40, unique="a", mark=tag)

    assert text.endswith(f" bench-tag:{tag}")
    assert len(text) // 4 + 1 == 40
    assert int(tag, 16)
    assert tag != prompts.tag(1, 3)
