"""Azure's LLM inference traces of 2023 and 2024: wall clock to 100 ns, prompt and answer tokens."""

from collections.abc import Iterable, Iterator
from typing import Final

from benchmarks.trace import calendar_time
from benchmarks.trace.columns import Line, header, records, tokens
from benchmarks.trace.form import Format, Found
from benchmarks.trace.problems import Ledger, RowError
from benchmarks.trace.rows import TICKS, Row, Trace

NAMES: Final = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_FIRST: Final = calendar_time.ticks("2000-01-01 00:00:00", "")


def _read(lines: Iterable[Line], ledger: Ledger) -> Found:
    """Tell the time from the first request: the clock has no other beginning."""
    found: list[tuple[int, int, int]] = []
    for number, cells in records(lines, ledger, NAMES):
        try:
            found.append(
                (
                    calendar_time.ticks(cells["TIMESTAMP"], "TIMESTAMP"),
                    tokens(cells["ContextTokens"], "ContextTokens"),
                    tokens(cells["GeneratedTokens"], "GeneratedTokens"),
                )
            )
        except RowError as error:
            ledger.bad(number, error)
    first = min((ticks for ticks, _, _ in found), default=0)
    return Found(
        rows=[
            Row(at=(ticks - first) / TICKS, input_tokens=size, output_tokens=answer)
            for ticks, size, answer in found
        ]
    )


def _write(trace: Trace) -> Iterator[str]:
    """Put the beginning of the trace at a date that nobody takes for a real one."""
    yield ",".join(NAMES)
    for row in trace.rows:
        moment = calendar_time.show(_FIRST + round(row.at * TICKS))
        yield f"{moment},{row.input_tokens},{row.output_tokens}"


AZURE: Final = Format(
    name="azure",
    allowed="TIMESTAMP, a date and time; ContextTokens and GeneratedTokens, whole numbers from 1",
    recognises=lambda line: set(NAMES) <= set(header(line)),
    read=_read,
    write=_write,
)
