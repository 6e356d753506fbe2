"""headrace's own access log: yesterday's traffic, ready to be sent again."""

from collections.abc import Iterable
from typing import Final

import msgspec

from benchmarks.trace import calendar_time
from benchmarks.trace.columns import Line, counted, elapsed
from benchmarks.trace.form import Format, Found
from benchmarks.trace.problems import Ledger, RowError
from benchmarks.trace.rows import TICKS, Row


class _Logged(msgspec.Struct):
    timestamp: str
    level: str
    event: str
    duration_ms: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


_DECODER: Final = msgspec.json.Decoder(_Logged)


def _read(lines: Iterable[Line], ledger: Ledger) -> Found:
    """Tell when each request came: its line has the time of its end, and how long it took."""
    found: list[tuple[int, int, int]] = []
    for number, line in lines:
        if not line.strip():
            continue
        try:
            logged = _DECODER.decode(line)
            if logged.event != "request":
                continue
            if not logged.tokens_in or not logged.tokens_out:
                ledger.leave_out("no token counts, so no complete answer")
                continue
            ended = calendar_time.ticks(logged.timestamp, "timestamp")
            lasted = elapsed(logged.duration_ms or 0.0, "duration_ms") / 1000
            began = ended - round(lasted * TICKS)
            sizes = (
                counted(logged.tokens_in, "tokens_in"),
                counted(logged.tokens_out, "tokens_out"),
            )
            found.append((began, *sizes))
        except (msgspec.DecodeError, RowError) as error:
            ledger.bad(number, error)
    first = min((began for began, _, _ in found), default=0)
    return Found(
        rows=[
            Row(at=(began - first) / TICKS, input_tokens=size, output_tokens=answer)
            for began, size, answer in found
        ]
    )


def _recognises(line: str) -> bool:
    try:
        _DECODER.decode(line)
    except msgspec.DecodeError:
        return False
    return True


ACCESS_LOG: Final = Format(
    name="access-log",
    allowed="a JSON line with timestamp, level and event; of `request` events duration_ms, "
    "tokens_in and tokens_out are used",
    recognises=_recognises,
    read=_read,
)
