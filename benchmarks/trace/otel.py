"""OpenTelemetry spans as a collector's file exporter writes them, with GenAI token counts."""

from collections.abc import Iterable
from typing import Final

import msgspec

from benchmarks.trace.columns import Line, counted
from benchmarks.trace.form import Format, Found
from benchmarks.trace.problems import Ledger, RowError
from benchmarks.trace.rows import TICKS, Row

INPUT: Final = "gen_ai.usage.input_tokens"
OUTPUT: Final = "gen_ai.usage.output_tokens"


class _Value(msgspec.Struct, rename="camel"):
    int_value: int | str | None = None  # 64-bit numbers are strings in OTLP's JSON


class _Attribute(msgspec.Struct):
    key: str
    value: _Value = msgspec.field(default_factory=_Value)


class _Span(msgspec.Struct, rename="camel"):
    start_time_unix_nano: int | str
    attributes: list[_Attribute] = []


class _Scope(msgspec.Struct):
    spans: list[_Span] = []


class _Resource(msgspec.Struct, rename="camel"):
    scope_spans: list[_Scope] = []


class _Export(msgspec.Struct, rename="camel"):
    resource_spans: list[_Resource]


_DECODER: Final = msgspec.json.Decoder(_Export)


def _spans(line: str) -> Iterable[_Span]:
    for resource in _DECODER.decode(line).resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


def _counts(span: _Span) -> tuple[int, int] | None:
    """Return prompt and answer tokens; None for a span that is no inference."""
    values = {one.key: one.value.int_value for one in span.attributes if one.key in {INPUT, OUTPUT}}
    size, answer = values.get(INPUT), values.get(OUTPUT)
    if size is None or answer is None:
        return None
    try:
        return counted(int(size), INPUT), counted(int(answer), OUTPUT)
    except ValueError as error:
        raise RowError(str(error)) from None


def _read(lines: Iterable[Line], ledger: Ledger) -> Found:
    found: list[tuple[int, int, int]] = []
    for number, line in lines:
        if not line.strip():
            continue
        try:
            for span in _spans(line):
                if (sizes := _counts(span)) is None:
                    ledger.leave_out("spans without gen_ai.usage token counts")
                else:
                    found.append((int(span.start_time_unix_nano), *sizes))
        except (msgspec.DecodeError, ValueError) as error:
            ledger.bad(number, error)
    first = min((began for began, _, _ in found), default=0)
    return Found(
        rows=[
            Row(at=(began - first) // 100 / TICKS, input_tokens=size, output_tokens=answer)
            for began, size, answer in found
        ]
    )


def _recognises(line: str) -> bool:
    try:
        _DECODER.decode(line)
    except msgspec.DecodeError:
        return False
    return True


OTEL: Final = Format(
    name="otel",
    allowed="a JSON line with resourceSpans; spans with startTimeUnixNano and the attributes "
    f"{INPUT} and {OUTPUT}, whole numbers from 1, are used",
    recognises=_recognises,
    read=_read,
)
