"""OpenTelemetry spans as a trace."""

import pytest

from benchmarks.trace.otel import INPUT, OTEL, OUTPUT
from benchmarks.trace.problems import Ledger, TraceError
from benchmarks.trace.rows import Row


def attribute(key: str, value: object) -> str:
    return f'{{"key":"{key}","value":{{"intValue":{value}}}}}'


def line(*spans: str) -> str:
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{",".join(spans)}]}}]}}]}}'


def span(began: int, *attributes: str) -> str:
    return f'{{"startTimeUnixNano":"{began}","attributes":[{",".join(attributes)}]}}'


def test_spans_with_token_counts_are_requests() -> None:
    ledger = Ledger()
    text = line(
        span(1_700_000_000_500_000_000, attribute(INPUT, '"12"'), attribute(OUTPUT, 3)),
        span(1_700_000_000_000_000_000, attribute(INPUT, 7), attribute(OUTPUT, '"9"')),
        span(1_700_000_000_000_000_000, attribute("http.status", 200)),
    )

    assert OTEL.recognises(text)
    assert OTEL.read([(1, text)], ledger).rows == [
        Row(at=0.5, input_tokens=12, output_tokens=3),
        Row(at=0.0, input_tokens=7, output_tokens=9),
    ]
    assert ledger.notes() == ("1 rows left out: spans without gen_ai.usage token counts",)


def test_bad_lines_are_told() -> None:
    ledger = Ledger()
    OTEL.read(
        [(1, line(span(1, attribute(INPUT, '"x"'), attribute(OUTPUT, 1)))), (2, "{}")], ledger
    )

    with pytest.raises(TraceError, match=r"(?s)line 1.*line 2"):
        ledger.judge("t", "otel", "")
