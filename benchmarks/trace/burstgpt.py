"""BurstGPT: seconds since its beginning, tokens, and in later files session and elapsed time."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from benchmarks.trace.columns import Line, header, plain, records, seconds, tokens
from benchmarks.trace.form import Format, Found
from benchmarks.trace.problems import Ledger, RowError
from benchmarks.trace.rows import Row, Trace

REQUIRED: Final = ("Timestamp", "Request tokens", "Response tokens")
NAMES: Final = (
    "Timestamp",
    "Model",
    "Request tokens",
    "Response tokens",
    "Total tokens",
    "Log Type",
)
SESSION: Final = ("Session ID", "Elapsed time")
FAILED: Final = "the original got no answer (Response tokens is 0)"


class _Asked(msgspec.Struct):
    row: Row
    session: str
    lasted: float


def _read(lines: Iterable[Line], ledger: Ledger) -> Found:
    asked = []
    for number, cells in records(lines, ledger, REQUIRED):
        try:
            if cells["Response tokens"] in {"0", "0.0"}:
                ledger.leave_out(FAILED)
                continue
            row = Row(
                at=seconds(cells["Timestamp"], "Timestamp"),
                input_tokens=tokens(cells["Request tokens"], "Request tokens"),
                output_tokens=tokens(cells["Response tokens"], "Response tokens"),
            )
            session, lasted = cells.get("Session ID", ""), cells.get("Elapsed time", "")
            asked.append(_Asked(row, session, seconds(lasted or "0", "Elapsed time")))
        except RowError as error:
            ledger.bad(number, error)
    if not any(one.session and one.lasted for one in asked):
        return Found(rows=[one.row for one in asked])
    return Found(rows=_talks(asked))


def _talks(asked: list[_Asked]) -> list[Row]:
    """Put turns into order: a person thinks from the end of an answer to the next question."""
    asked.sort(key=lambda one: one.row.at)
    numbers: dict[str, int] = {}
    last: dict[str, tuple[int, float]] = {}  # turn and end of the answer
    rows = []
    for one in asked:
        row = one.row
        if not one.session:
            rows.append(row)
            continue
        number = numbers.setdefault(one.session, len(numbers))
        turn, ended = last.get(one.session, (-1, row.at))
        think = max(row.at - ended, 0.0)
        rows.append(msgspec.structs.replace(row, session=number, turn=turn + 1, think=think))
        last[one.session] = turn + 1, row.at + one.lasted
    return rows


def _write(trace: Trace) -> Iterator[str]:
    talks = any(row.session >= 0 for row in trace.rows)
    yield ",".join([*NAMES, *SESSION] if talks else NAMES)
    following = _following(trace) if talks else {}
    for place, row in enumerate(trace.rows):
        total = row.input_tokens + row.output_tokens
        cells = [plain(row.at), "unknown", row.input_tokens, row.output_tokens, total, "API log"]
        if talks:
            after = following.get(place)
            lasted = 0.001 if after is None else max(after.at - row.at - after.think, 0.0)
            cells += ["" if row.session < 0 else row.session, plain(lasted)]
        yield ",".join(str(cell) for cell in cells)


def _following(trace: Trace) -> dict[int, Row]:
    """Return the next turn of each row that has one."""
    found: dict[int, Row] = {}
    latest: dict[int, int] = {}
    for place, row in enumerate(trace.rows):
        if row.session < 0:
            continue
        if row.session in latest:
            found[latest[row.session]] = row
        latest[row.session] = place
    return found


BURSTGPT: Final = Format(
    name="burstgpt",
    allowed="Timestamp in seconds from 0; Request tokens and Response tokens, whole numbers from 1"
    " (a row with 0 response tokens failed and is left out)",
    recognises=lambda line: set(REQUIRED) <= set(header(line)),
    read=_read,
    write=_write,
)
