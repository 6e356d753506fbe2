"""Mooncake's JSON lines: milliseconds, lengths, and hashes of 512-token prefix blocks."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from benchmarks.trace.columns import Line, counted, elapsed, plain
from benchmarks.trace.form import Format, Found
from benchmarks.trace.problems import Ledger, RowError, TraceError
from benchmarks.trace.rows import BLOCK, Row, Trace


class _Asked(msgspec.Struct):
    timestamp: float
    input_length: int
    output_length: int
    hash_ids: tuple[int, ...] = ()


_DECODER: Final = msgspec.json.Decoder(_Asked)


def _read(lines: Iterable[Line], ledger: Ledger) -> Found:
    rows = []
    for number, line in lines:
        if not line.strip():
            continue
        try:
            asked = _DECODER.decode(line)
            rows.append(
                Row(
                    at=elapsed(asked.timestamp, "timestamp") / 1000,
                    input_tokens=counted(asked.input_length, "input_length"),
                    output_tokens=counted(asked.output_length, "output_length"),
                    prefix=asked.hash_ids,
                )
            )
        except (msgspec.DecodeError, RowError) as error:
            ledger.bad(number, error)
    return Found(rows=rows)


def _recognises(line: str) -> bool:
    try:
        _DECODER.decode(line)
    except msgspec.DecodeError:
        return False
    return True


def _write(trace: Trace) -> Iterator[str]:
    if trace.block_tokens != BLOCK and any(row.prefix for row in trace.rows):
        raise TraceError(
            f"mooncake has prefix blocks of {BLOCK} tokens, this trace of {trace.block_tokens}: "
            "write csv or jsonl"
        )
    for row in trace.rows:
        ids = ",".join(str(number) for number in row.prefix)
        yield (
            f'{{"timestamp":{plain(row.at * 1000)},"input_length":{row.input_tokens},'
            f'"output_length":{row.output_tokens},"hash_ids":[{ids}]}}'
        )


MOONCAKE: Final = Format(
    name="mooncake",
    allowed="timestamp in milliseconds from 0; input_length and output_length, whole numbers from "
    "1; hash_ids, a list of whole numbers, may be absent",
    recognises=_recognises,
    read=_read,
    write=_write,
)
