"""Our own table and JSON lines, and those with other names."""

import pytest

from benchmarks.trace.generic import CSV, JSONL
from benchmarks.trace.problems import Ledger, TraceError
from benchmarks.trace.rows import Row, Trace

ROWS = (
    Row(at=0.5, input_tokens=70, output_tokens=4, prefix=(1, 2), session=3),
    Row(at=0.5, input_tokens=90, output_tokens=4, prefix=(1, 2, 3), session=3, turn=1, think=2.5),
    Row(at=1.0, input_tokens=9, output_tokens=1),
)


def test_our_own_table() -> None:
    lines = [(1, "t_s,input_tokens,output_tokens"), (2, "0.0520,3180,8")]

    assert CSV.read(lines, Ledger()).rows == [Row(at=0.052, input_tokens=3180, output_tokens=8)]


@pytest.mark.parametrize(
    "header",
    [
        "timestamp,input_length,output_length",
        "Time,prompt_tokens,completion_tokens",
        "arrived_at,num_prefill_tokens,num_decode_tokens",
    ],
)
def test_tables_of_others(header: str) -> None:
    assert CSV.recognises(header)
    assert len(CSV.read([(1, header), (2, "1,2,3")], Ledger()).rows) == 1


@pytest.mark.parametrize("form", [CSV, JSONL])
def test_all_that_a_trace_holds_is_written_and_read_again(form: type) -> None:
    write = form.write  # type: ignore[attr-defined]
    lines = list(enumerate(write(Trace(rows=ROWS, format="csv", block_tokens=16)), 1))
    found = form.read(lines, Ledger())  # type: ignore[attr-defined]

    assert tuple(found.rows) == ROWS
    assert found.block_tokens == 16


def test_times_since_1970_are_told_from_the_first() -> None:
    lines = [
        (1, '{"time":1700000001.5,"isl":1,"osl":2}'),
        (2, '{"time":1700000001,"isl":1,"osl":2}'),
    ]

    assert [row.at for row in JSONL.read(lines, Ledger()).rows] == [0.5, 0.0]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"t_s":0,"input_tokens":1,"output_tokens":true}', "output_tokens is True"),
        ('{"t_s":"0","input_tokens":1,"output_tokens":1}', "t_s is '0'"),
        ('{"t_s":0,"input_tokens":1,"output_tokens":1,"session":"a"}', "session is 'a'"),
        ('{"t_s":0,"input_tokens":1}', "not all there by name"),
        ("[1]", "Expected `object`"),
    ],
)
def test_bad_lines_are_told(line: str, told: str) -> None:
    ledger = Ledger()
    JSONL.read([(3, line)], ledger)

    with pytest.raises(TraceError, match=told):
        ledger.judge("t", "jsonl", "")


def test_a_table_without_the_columns_is_told() -> None:
    ledger = Ledger()
    CSV.read([(1, "a,b"), (2, "1,2")], ledger)

    with pytest.raises(TraceError, match="line 2"):
        ledger.judge("t", "csv", "")
    assert not CSV.recognises("a,b")
    assert not JSONL.recognises("a,b")
