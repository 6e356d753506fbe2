"""Our own table and JSON lines, and those of others that call the same things by other names."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from benchmarks.trace.columns import (
    Line,
    blocks,
    counted,
    elapsed,
    header,
    plain,
    records,
    seconds,
    tokens,
    whole,
)
from benchmarks.trace.form import Format, Found
from benchmarks.trace.problems import Ledger, RowError
from benchmarks.trace.rows import BLOCK, Row, Trace

TIMES: Final = ("t_s", "time_s", "at", "time", "timestamp", "arrival_time", "arrived_at")
INPUTS: Final = (
    *("input_tokens", "input_length", "prompt_tokens", "prompt_len"),
    *("num_prefill_tokens", "isl"),
)
OUTPUTS: Final = (
    *("output_tokens", "output_length", "completion_tokens", "output_len"),
    *("num_decode_tokens", "osl"),
)
_PREFIX: Final = re.compile(r"prefix_block_ids_(\d+)tok")
SINCE_1970: Final = 1e8  # seconds; a trace of more than three years tells the date


class _Names(msgspec.Struct, frozen=True, kw_only=True):
    """How one file calls the fields."""

    at: str
    input: str
    output: str
    prefix: str = ""
    block_tokens: int = BLOCK


def _first(names: Sequence[str], known: Sequence[str]) -> str:
    lowered = {name.lower(): name for name in reversed(names)}
    return next((lowered[word] for word in known if word in lowered), "")


def _names(names: Sequence[str]) -> _Names | None:
    """Return which name means what; None if one of the three is missing."""
    at, size, answer = (_first(names, known) for known in (TIMES, INPUTS, OUTPUTS))
    if not (at and size and answer):
        return None
    prefix = next((name for name in names if _PREFIX.fullmatch(name)), "")
    match = _PREFIX.fullmatch(prefix)
    block = max(int(match[1]), 1) if match else BLOCK
    return _Names(at=at, input=size, output=answer, prefix=prefix, block_tokens=block)


def _required(names: Sequence[str]) -> _Names:
    found = _names(names)
    if found is None:
        raise RowError("a time, input tokens and output tokens are not all there by name")
    return found


def _from_first(rows: list[Row]) -> list[Row]:
    """Tell times since 1970 from the first row; leave others as they are."""
    first = min((row.at for row in rows), default=0.0)
    if first < SINCE_1970:
        return rows
    return [msgspec.structs.replace(row, at=row.at - first) for row in rows]


def _cells(cells: Mapping[str, str], names: _Names) -> Row:
    return Row(
        at=seconds(cells[names.at], names.at),
        input_tokens=tokens(cells[names.input], names.input),
        output_tokens=tokens(cells[names.output], names.output),
        prefix=blocks(cells[names.prefix], names.prefix) if names.prefix else (),
        session=whole(cells.get("session") or "-1", "session"),
        turn=whole(cells.get("turn") or "0", "turn"),
        think=seconds(cells.get("think_s") or "0", "think_s"),
    )


def _read_table(lines: Iterable[Line], ledger: Ledger) -> Found:
    rows: list[Row] = []
    names: _Names | None = None
    for number, cells in records(lines, ledger):
        try:
            names = names or _required(list(cells))
            rows.append(_cells(cells, names))
        except RowError as error:
            ledger.bad(number, error)
    return Found(rows=_from_first(rows), block_tokens=names.block_tokens if names else BLOCK)


def _typed(value: object, kind: type | tuple[type, ...], name: str, what: str) -> Any:  # noqa: ANN401 - as `kind`
    if not isinstance(value, kind) or isinstance(value, bool):
        raise RowError(f"{name} is {value!r:.40}: {what}")
    return value


def _fields(document: Mapping[str, object], names: _Names) -> Row:
    number, count = "a number, at least 0", "a whole number, at least 1"
    at = _typed(document.get(names.at), (int, float), names.at, number)
    size = _typed(document.get(names.input), int, names.input, count)
    answer = _typed(document.get(names.output), int, names.output, count)
    ids = _typed(document.get(names.prefix, []), list, names.prefix, "a list of whole numbers")
    return Row(
        at=elapsed(float(at), names.at),
        input_tokens=counted(size, names.input),
        output_tokens=counted(answer, names.output),
        prefix=tuple(_typed(one, int, names.prefix, "a list of whole numbers") for one in ids),
        session=_typed(document.get("session", -1), int, "session", "a whole number"),
        turn=_typed(document.get("turn", 0), int, "turn", "a whole number"),
        think=elapsed(
            _typed(document.get("think_s", 0), (int, float), "think_s", number), "think_s"
        ),
    )


def _read_lines(lines: Iterable[Line], ledger: Ledger) -> Found:
    rows: list[Row] = []
    names: _Names | None = None
    for number, line in lines:
        if not line.strip():
            continue
        try:
            document = msgspec.json.decode(line, type=dict[str, Any])
            names = names or _required(list(document))
            rows.append(_fields(document, names))
        except (msgspec.DecodeError, RowError) as error:
            ledger.bad(number, error)
    return Found(rows=_from_first(rows), block_tokens=names.block_tokens if names else BLOCK)


def _columns(trace: Trace) -> list[tuple[str, Callable[[Row], Any]]]:
    """Return the columns a trace needs, each with its value of a row."""
    found: list[tuple[str, Callable[[Row], Any]]] = [
        ("t_s", lambda row: row.at),
        ("input_tokens", lambda row: row.input_tokens),
        ("output_tokens", lambda row: row.output_tokens),
    ]
    if any(row.prefix for row in trace.rows):
        found.append((f"prefix_block_ids_{trace.block_tokens}tok", lambda row: row.prefix))
    if any(row.session >= 0 for row in trace.rows):
        found += [
            ("session", lambda row: row.session),
            ("turn", lambda row: row.turn),
            ("think_s", lambda row: row.think),
        ]
    return found


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(str(one) for one in value)
    return plain(value) if isinstance(value, float) else str(value)


def _write_table(trace: Trace) -> Iterator[str]:
    columns = _columns(trace)
    yield ",".join(name for name, _ in columns)
    for row in trace.rows:
        yield ",".join(_cell(value(row)) for _, value in columns)


def _write_lines(trace: Trace) -> Iterator[str]:
    columns = _columns(trace)
    for row in trace.rows:
        yield msgspec.json.encode({name: value(row) for name, value in columns}).decode()


def _is_object(line: str) -> bool:
    try:
        return _names(list(msgspec.json.decode(line, type=dict[str, Any]))) is not None
    except msgspec.DecodeError:
        return False


_MEANING: Final = (
    "t_s (also time or timestamp) in seconds from 0; input_tokens (also input_length or "
    "prompt_tokens) and output_tokens (also output_length or completion_tokens), whole numbers "
    "from 1; optionally prefix_block_ids_512tok, session, turn and think_s"
)
CSV: Final = Format(
    name="csv",
    allowed=_MEANING,
    recognises=lambda line: _names(header(line)) is not None,
    read=_read_table,
    write=_write_table,
)
JSONL: Final = Format(
    name="jsonl",
    allowed=_MEANING,
    recognises=_is_object,
    read=_read_lines,
    write=_write_lines,
)
