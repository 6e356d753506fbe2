"""The text of simulated answers."""

import json

from benchmarks.fake.words import WORDS, answer_text, embedding, said_of, start_of, walk


def test_an_answer_is_the_same_however_it_is_cut() -> None:
    start = start_of("prompt")
    pieces = walk(start, 0, 3) + walk(start, 3, 1) + walk(start, 4, 2)

    assert pieces.decode() == answer_text("prompt", 6)
    assert len(answer_text("prompt", 6).split(" ")) == 6


def test_prompts_have_different_answers() -> None:
    assert len({answer_text(f"prompt {n}", 4) for n in range(50)}) > 35


def test_words_are_distinct_and_need_no_escaping() -> None:
    assert len(set(WORDS)) == len(WORDS)
    assert json.dumps(walk(0, 0, len(WORDS) + 2).decode())[1:-1].encode() == walk(
        0, 0, len(WORDS) + 2
    )


def test_vectors_depend_on_the_text_alone() -> None:
    assert embedding("a", 4) == embedding("a", 4) != embedding("b", 4)
    assert all(-1 <= value < 1 for value in embedding("a", 100))


def test_the_beginning_of_an_answer_is_known_again() -> None:
    assert said_of("prompt", answer_text("prompt", 4)) == 4
    assert said_of("prompt", answer_text("other", 4)) == 0
    assert said_of("prompt", answer_text("prompt", 4) + " more") == 0
    assert said_of("prompt", "") == 0
