"""Mooncake's JSON lines."""

import pytest

from benchmarks.trace.mooncake import MOONCAKE
from benchmarks.trace.problems import Ledger, TraceError
from benchmarks.trace.rows import Row, Trace


def test_milliseconds_and_hashes() -> None:
    line = '{"timestamp": 3052, "input_length": 6758, "output_length": 500, "hash_ids": [0, 7]}'
    bare = '{"timestamp": 4000.5, "input_length": 1, "output_length": 2}'

    assert MOONCAKE.recognises(line)
    assert MOONCAKE.read([(1, line), (2, ""), (3, bare)], Ledger()).rows == [
        Row(at=3.052, input_tokens=6758, output_tokens=500, prefix=(0, 7)),
        Row(at=4.0005, input_tokens=1, output_tokens=2),
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"timestamp": "soon", "input_length": 1, "output_length": 1}',
        '{"timestamp": -1, "input_length": 1, "output_length": 1}',
        '{"timestamp": 1, "input_length": 0, "output_length": 1}',
        '{"timestamp": 1, "input_length": 1}',
        '{"timestamp": 1,',
    ],
)
def test_bad_rows_are_told(line: str) -> None:
    ledger = Ledger()
    MOONCAKE.read([(7, line)], ledger)

    with pytest.raises(TraceError, match="line 7"):
        ledger.judge("t", "mooncake", "")


def test_blocks_of_another_size_cannot_be_written() -> None:
    rows = (Row(at=0, input_tokens=40, output_tokens=2, prefix=(1, 2)),)
    assert MOONCAKE.write is not None

    with pytest.raises(TraceError, match="of 16: write csv or jsonl"):
        list(MOONCAKE.write(Trace(rows=rows, format="synthetic", block_tokens=16)))
