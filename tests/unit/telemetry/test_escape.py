"""Text from strangers must not move the cursor, forge a line or read backwards."""

import pytest

from proxy.telemetry.escape import visible, visible_lines


@pytest.mark.parametrize(
    "text",
    ["", "llama-3.1-70b-instruct", "org/model:latest", "Größe 模型 🦙", 'with "quotes" and \\'],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("char", "shown"),
    [
        ("\n", "\\x0a"),
        ("\x1b", "\\x1b"),
        ("\x7f", "\\x7f"),
        ("\x85", "\\x85"),
        ("\u200b", "\\u200b"),
        ("\u202e", "\\u202e"),
        ("\u2066", "\\u2066"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("\ue000", "\\ue000"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_spelt_out(char: str, shown: str) -> None:
    assert visible(f"a{char}b") == f"a{shown}b"


def test_long_text_is_cut_and_the_cut_is_visible() -> None:
    assert visible("x" * 300, 10) == "x" * 10 + "…"
    assert visible("x" * 10, 10) == "x" * 10


def test_a_traceback_keeps_its_lines_and_loses_its_escapes() -> None:
    assert visible_lines("one\ntwo\x1b[2J") == "one\ntwo\\x1b[2J"
