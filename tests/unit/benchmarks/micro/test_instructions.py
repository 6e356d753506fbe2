"""Counting instructions: the comparison of counts, and the words of the command."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.micro import instructions
from benchmarks.micro.callgrind import CallgrindError
from benchmarks.micro.instructions import INSIDE, KEYS, ROUNDS, TIMES, Counts

ALIKE = {"python": "3.11.7 GCC", "machine": "x86_64"}


def counts(**figures: int) -> Counts:
    return Counts(made_with=ALIKE, tolerance=0.01, instructions=figures)


def test_growth_within_the_tolerance_is_none() -> None:
    assert instructions.grown(counts(plain=1000), counts(plain=1010)) == []


def test_growth_beyond_the_tolerance_is_named() -> None:
    assert instructions.grown(counts(plain=1000, chunk=50), counts(plain=1011, chunk=50)) == [
        "plain"
    ]


def test_a_case_of_which_nothing_was_known_has_not_grown() -> None:
    assert instructions.grown(counts(plain=1000), counts(plain=1000, chunk=50)) == []


def test_counts_of_another_python_are_not_judged() -> None:
    other = Counts(made_with={**ALIKE, "python": "3.13"}, instructions={"plain": 10})
    assert instructions.grown(other, counts(plain=1000)) == []
    assert "not compared: counted with python 3.11.7 GCC (before: 3.13)" in instructions.table(
        counts(plain=1000), other
    )


def test_the_table_shows_the_change() -> None:
    shown = instructions.table(counts(plain=1100), counts(plain=1000))
    assert "+10.00%  grown" in shown
    assert "1 grown beyond it" in shown


def marks(values: list[int]) -> list[int]:
    """Return stretches as callgrind would: a making before each case but the first."""
    return [stretch for value in values for stretch in (9_999, *[value * TIMES] * ROUNDS)][1:]


def names(monkeypatch: pytest.MonkeyPatch, seen: list[int]) -> None:
    monkeypatch.setattr(instructions, "stretches", lambda _words: seen)


def test_the_loop_itself_is_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, marks([100, 1100, 1200, 1300, 1400, 1500, 1600, 1700]))
    assert list(instructions.count().instructions.values()) == [
        1000,
        1100,
        1200,
        1300,
        1400,
        1500,
        1600,
    ]


def test_too_few_stretches_give_no_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names(monkeypatch, marks([100, 1100]))
    assert instructions.main([]) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert "stretches" in told.err


def test_what_was_saved_is_compared_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "counts.json"
    names(monkeypatch, marks([100, 1100, 1200, 1300, 1400, 1500, 1600, 1700]))
    assert instructions.main(["--json", str(file)]) == 0
    assert msgspec.json.decode(file.read_bytes(), type=Counts).instructions["plain call"] == 1000
    assert instructions.main(["--against", str(file)]) == 0
    names(monkeypatch, marks([100, 1300, 1200, 1300, 1400, 1500, 1600, 1700]))
    assert instructions.main(["--against", str(file)]) == 3


def test_without_callgrind_the_code_is_4(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_words: list[str]) -> list[int]:
        raise CallgrindError("valgrind is not installed")

    monkeypatch.setattr(instructions, "stretches", fail)
    assert instructions.main([]) == 4
    assert "valgrind is not installed" in capsys.readouterr().err


def test_a_file_of_something_else_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"schema": 1}')
    assert instructions.main(["--against", str(file)]) == 4
    assert "made_with" in capsys.readouterr().err


def test_the_child_marks_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(instructions, "mark", lambda: made.append(1))
    monkeypatch.setattr(instructions, "settle", lambda: None)
    monkeypatch.setattr(instructions, "WARM", 1)
    monkeypatch.setattr(instructions, "TIMES", 1)
    assert instructions.main([INSIDE]) == 0
    assert len(made) == 8 * (ROUNDS + 1)


def test_with_keys_their_calls_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def seen(words: list[str]) -> list[int]:
        asked.append(words)
        return marks([100, 1100, 1400, 1700, 1900])

    monkeypatch.setattr(instructions, "stretches", seen)

    assert instructions.count(keys=True).instructions == {
        "plain call, no keys": 1000,
        "plain call, a key": 1300,
        "plain call, a key, limits a minute": 1600,
        "plain call, a key with every limit": 1800,
    }
    assert asked[0][-2:] == [INSIDE, KEYS]


def test_the_child_does_the_calls_with_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(instructions, "mark", lambda: made.append(1))
    monkeypatch.setattr(instructions, "settle", lambda: None)
    monkeypatch.setattr(instructions, "WARM", 1)
    monkeypatch.setattr(instructions, "TIMES", 1)

    assert instructions.main([INSIDE, KEYS]) == 0

    assert len(made) == 5 * (ROUNDS + 1)
