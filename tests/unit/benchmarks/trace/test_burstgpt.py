"""BurstGPT's tables."""

import pytest

from benchmarks.trace.burstgpt import BURSTGPT, FAILED
from benchmarks.trace.problems import Ledger, TraceError
from benchmarks.trace.rows import Row, Trace

PLAIN = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
TALKS = PLAIN + ",Session ID,Elapsed time"


def test_plain_rows_and_failed_ones() -> None:
    ledger = Ledger()
    lines = [(1, PLAIN), (2, "5,ChatGPT,472,18,490,API log"), (3, "45,GPT-4,100,0,100,API log")]

    assert BURSTGPT.read(lines, ledger).rows == [Row(at=5, input_tokens=472, output_tokens=18)]
    assert ledger.notes() == (f"1 rows left out: {FAILED}",)


def test_a_person_thinks_from_the_end_of_the_answer_on() -> None:
    lines = [
        (1, TALKS),
        (2, "10,m,5,6,11,x,abc,4"),
        (3, "20,m,7,8,15,x,abc,2"),
        (4, "21,m,9,9,18,x,abc,2"),
        (5, "15,m,1,1,2,x,def,1"),
        (6, "16,m,1,1,2,x,,1"),
    ]
    rows = BURSTGPT.read(lines, Ledger()).rows

    assert [(row.at, row.session, row.turn, row.think) for row in rows] == [
        (10, 0, 0, 0),
        (15, 1, 0, 0),
        (16, -1, 0, 0),
        (20, 0, 1, 6),
        (21, 0, 2, 0),  # asked before the answer had ended
    ]


def test_without_elapsed_times_requests_stand_alone() -> None:
    lines = [(1, TALKS), (2, "10,m,5,6,11,x,abc,"), (3, "20,m,7,8,15,x,abc,")]

    assert {row.session for row in BURSTGPT.read(lines, Ledger()).rows} == {-1}


def test_sessions_are_written_as_they_are_read() -> None:
    rows = (
        Row(at=0, input_tokens=1, output_tokens=2, session=0),
        Row(at=2, input_tokens=1, output_tokens=2),
        Row(at=5, input_tokens=3, output_tokens=4, session=0, turn=1, think=1.5),
    )
    assert BURSTGPT.write is not None
    lines = list(enumerate(BURSTGPT.write(Trace(rows=rows, format="csv")), 1))

    assert tuple(BURSTGPT.read(lines, Ledger()).rows) == rows


def test_bad_rows_are_told() -> None:
    ledger = Ledger()
    BURSTGPT.read([(1, PLAIN), (2, "-5,m,1,1,2,x"), (3, "5,m,x,1,2,x"), (4, "5,m")], ledger)

    with pytest.raises(TraceError) as caught:
        ledger.judge("t", "burstgpt", "")
    assert caught.value.lines == (2, 3, 4)
