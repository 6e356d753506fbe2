"""Cells and tables."""

import pytest

from benchmarks.trace.columns import (
    blocks,
    elapsed,
    header,
    plain,
    records,
    seconds,
    tokens,
    whole,
)
from benchmarks.trace.problems import Ledger, RowError, TraceError


@pytest.mark.parametrize(("text", "value"), [("12", 12), ("12.0", 12), (" 7", 7)])
def test_tokens(text: str, value: int) -> None:
    assert tokens(text, "n") == value


@pytest.mark.parametrize("text", ["", "x", "1.5", "0", "-3", "nan", "inf", "1e12"])
def test_tokens_that_are_none(text: str) -> None:
    with pytest.raises(RowError, match=r"n is .*: a whole number, at least 1"):
        tokens(text, "n")


@pytest.mark.parametrize("text", ["", "soon", "-1", "nan", "inf"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(RowError, match=r"t is .*: a number, at least 0"):
        seconds(text, "t")


def test_other_cells() -> None:
    assert seconds("1.25", "t") == elapsed(1.25, "t") == 1.25
    assert blocks("3 4  5", "b") == (3, 4, 5)
    assert whole("-1", "n") == -1
    for wrong in (lambda: blocks("3,4", "b"), lambda: whole("x", "n")):
        with pytest.raises(RowError, match="whole number"):
            wrong()


def test_a_table_is_read_by_the_names_of_its_columns() -> None:
    ledger = Ledger()
    lines = [(1, "a, b"), (2, ""), (3, '"1,5",2'), (4, "1"), (5, " 3 ,4")]

    assert list(records(lines, ledger)) == [
        (3, {"a": "1,5", "b": "2"}),
        (5, {"a": "3", "b": "4"}),
    ]
    with pytest.raises(TraceError, match="line 4: 1 cells where the header has 2"):
        ledger.judge("t", "csv", "")


def test_a_missing_column_is_told_once() -> None:
    ledger = Ledger()

    assert list(records([(3, "a,b"), (4, "1,2")], ledger, ("a", "c", "d"))) == []
    with pytest.raises(TraceError, match="line 3: no column c and no d"):
        ledger.judge("t", "csv", "")


def test_a_header_is_a_list_of_names() -> None:
    assert header('TIMESTAMP, "Request tokens"') == ["TIMESTAMP", ' "Request tokens"'.strip()]
    assert header("") == []


def test_seconds_are_written_to_a_tenth_of_a_microsecond() -> None:
    assert [plain(value) for value in (0.0, 3.0, 0.25, 1e-7, 123.4567891)] == [
        "0",
        "3",
        "0.25",
        "0.0000001",
        "123.4567891",
    ]


@pytest.mark.parametrize("line", ['1\r2,"x"', '\n"', '"%s",2' % ("x" * 200_000)])
def test_what_no_table_holds_is_a_bad_row(line: str) -> None:
    ledger = Ledger()

    assert list(records([(1, "a,b"), (2, line)], ledger)) == []
    with pytest.raises(TraceError, match="line 2: not a row of a table: "):
        ledger.judge("t", "csv", "")
    assert header(line) == []
