"""Bad rows, told all at once."""

import pytest

from benchmarks.trace.problems import Ledger, TraceError


def test_every_bad_row_is_told_with_its_line_and_what_is_allowed() -> None:
    ledger = Ledger()
    ledger.bad(4, "tokens is 'x': a whole number")
    ledger.bad(9, "2 cells")

    with pytest.raises(TraceError) as caught:
        ledger.judge("a.csv", "csv", "t_s and tokens")

    assert caught.value.lines == (4, 9)
    assert str(caught.value).splitlines() == [
        "a.csv: 2 bad rows (read as csv)",
        "  line 4: tokens is 'x': a whole number",
        "  line 9: 2 cells",
        "A row of csv is: t_s and tokens.",
    ]


def test_the_first_twenty_are_shown_and_all_are_counted() -> None:
    ledger = Ledger()
    for line in range(2, 52):
        ledger.bad(line, "wrong")

    with pytest.raises(TraceError, match="and 30 more") as caught:
        ledger.judge("a.csv", "csv", "")

    assert str(caught.value).count("  line ") == 20
    assert len(caught.value.lines) == 50


def test_a_ledger_without_bad_rows_is_content() -> None:
    ledger = Ledger()
    ledger.leave_out("failed")
    ledger.leave_out("failed")
    ledger.judge("a.csv", "csv", "")

    assert ledger.notes() == ("2 rows left out: failed",)


def test_bad_rows_left_out_are_named_in_the_notes() -> None:
    ledger = Ledger()
    ledger.bad(4, "wrong")

    assert ledger.notes() == ("1 bad rows left out, lines 4",)
