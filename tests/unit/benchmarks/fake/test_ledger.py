"""What the engine remembers, and what it forgets."""

import pytest

from benchmarks.fake.ledger import SideLog


def test_a_tag_is_found_anywhere_in_the_prompt() -> None:
    log = SideLog(10)
    told = log.open("say this (bench-tag:0aF9) and that", 5)

    assert told is not None
    told.emitted.append(7)
    assert log.find("0aF9") is told
    assert (told.taken_ns, told.emitted.tolist()) == (5, [7])


@pytest.mark.parametrize("prompt", ["", "bench-tag:", "bench-tag: 12", "bench-tag:xyz"])
def test_a_prompt_without_a_tag_leaves_no_line(prompt: str) -> None:
    log = SideLog(10)

    assert log.open(prompt, 1) is None
    assert log.find("") is None


def test_only_the_last_tags_are_remembered_and_a_repeated_one_starts_anew() -> None:
    log = SideLog(2)
    for taken, tag in enumerate(("a", "b", "a", "c")):
        log.open(f"bench-tag:{tag}", taken)

    assert log.find("b") is None
    again = log.find("a")
    assert again is not None
    assert again.taken_ns == 2
    log.clear()
    assert log.find("a") is None
