"""The proxy's access log as a trace."""

import pytest

from benchmarks.trace.access_log import ACCESS_LOG
from benchmarks.trace.problems import Ledger, TraceError
from benchmarks.trace.rows import Row

STARTED = '{"timestamp":"2026-03-01T12:00:00.0Z","level":"info","event":"listening"}'


def line(at: str, lasted: float, tokens: str) -> str:
    return (
        f'{{"timestamp":"2026-03-01T12:00:{at}Z","level":"info","event":"request",'
        f'"duration_ms":{lasted},{tokens}}}'
    )


def test_a_request_came_when_it_ended_less_its_duration() -> None:
    lines = [
        (1, STARTED),
        (2, line("07.3", 7301.0, '"tokens_in":512,"tokens_out":200')),
        (3, line("08.0", 6000.0, '"tokens_in":5,"tokens_out":2')),
    ]
    ledger = Ledger()

    assert ACCESS_LOG.recognises(STARTED)
    assert ACCESS_LOG.read(lines, ledger).rows == [
        Row(at=0.0, input_tokens=512, output_tokens=200),
        Row(at=2.001, input_tokens=5, output_tokens=2),
    ]
    assert ledger.notes() == ()


def test_requests_without_an_answer_are_left_out_and_counted() -> None:
    ledger = Ledger()
    failed = line("07.3", 1.0, '"tokens_in":null,"tokens_out":null')

    assert ACCESS_LOG.read([(1, failed)], ledger).rows == []
    assert "1 rows left out" in ledger.notes()[0]


def test_bad_lines_are_told() -> None:
    ledger = Ledger()
    ACCESS_LOG.read([(1, line("99", 1.0, '"tokens_in":1,"tokens_out":1')), (2, "{")], ledger)

    with pytest.raises(TraceError, match=r"(?s)line 1: timestamp.*line 2"):
        ledger.judge("t", "access-log", "")
