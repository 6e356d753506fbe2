"""Azure's traces."""

import pytest

from benchmarks.trace.azure import AZURE
from benchmarks.trace.problems import Ledger, TraceError
from benchmarks.trace.rows import Row, Trace

LINES = [
    (1, "TIMESTAMP,ContextTokens,GeneratedTokens"),
    (2, "2023-11-16 18:15:46.6805900,374,44"),
    (3, "2023-11-16 18:15:45.9951690,396,109"),
]


def test_times_are_told_from_the_first_request_to_a_tenth_of_a_microsecond() -> None:
    found = AZURE.read(LINES, Ledger())

    assert found.rows == [
        Row(at=0.685421, input_tokens=374, output_tokens=44),
        Row(at=0.0, input_tokens=396, output_tokens=109),
    ]


def test_bad_rows_are_told() -> None:
    ledger = Ledger()
    AZURE.read([*LINES, (4, "yesterday,1,1"), (5, "2023-11-16 18:15:47,0,5")], ledger)

    with pytest.raises(TraceError, match=r"(?s)line 4: TIMESTAMP is 'yesterday'.*line 5: Context"):
        ledger.judge("t", "azure", "")


def test_it_is_written_as_it_is_read() -> None:
    rows = (
        Row(at=0.0, input_tokens=3, output_tokens=4),
        Row(at=1e-7, input_tokens=1, output_tokens=2),
    )
    assert AZURE.write is not None
    lines = list(enumerate(AZURE.write(Trace(rows=rows, format="csv")), 1))

    assert tuple(AZURE.read(lines, Ledger()).rows) == rows
    assert AZURE.recognises(lines[0][1])
