"""Reading a trace: what format it is in, all its rows, or everything that is wrong with it."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.trace.access_log import ACCESS_LOG
from benchmarks.trace.azure import AZURE
from benchmarks.trace.burstgpt import BURSTGPT
from benchmarks.trace.columns import Line
from benchmarks.trace.form import Format
from benchmarks.trace.generic import CSV, JSONL
from benchmarks.trace.mooncake import MOONCAKE
from benchmarks.trace.otel import OTEL
from benchmarks.trace.problems import Ledger, TraceError
from benchmarks.trace.rows import Trace, clock_step
from benchmarks.trace.servegen import SERVEGEN

# The generic ones last: they would take the others for their own.
FORMATS: Final[dict[str, Format]] = {
    one.name: one for one in (AZURE, BURSTGPT, SERVEGEN, OTEL, ACCESS_LOG, MOONCAKE, CSV, JSONL)
}


def read(
    path: Path, format: str | None = None, *, skip_bad: bool = False, limit: int | None = None
) -> Trace:
    """Return the trace in a file, gzipped or not, in order of time.

    `format` is a name in FORMATS; None: as recognised by the first line. Raises TraceError naming
    every bad row; with `skip_bad` they are left out and counted in the notes. `limit` reads
    only the first so many lines, that of the column names included.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace")
            return _parsed(_numbered(text, limit), format, path.name, skip_bad)
    except OSError as error:
        raise TraceError(f"{path} cannot be read: {error.strerror or error}") from error


def _numbered(text: io.TextIOWrapper, limit: int | None) -> Iterator[Line]:
    for number, line in enumerate(text, 1):
        if limit is not None and number > limit:
            return
        yield number, line.rstrip("\r\n")


def _parsed(lines: Iterator[Line], name: str | None, file: str, skip_bad: bool) -> Trace:
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        raise TraceError(f"{file} is empty")
    known = recognised(first[1], file) if name is None else named(name)
    ledger = Ledger()
    found = known.read(_chained(first, lines), ledger)
    if not skip_bad:
        ledger.judge(file, known.name, known.allowed)
    if not found.rows:
        raise TraceError("\n  ".join([f"{file} has no usable row", *ledger.notes()]))
    notes = [*found.notes, *ledger.notes()]
    rows = tuple(sorted(found.rows, key=lambda row: row.at))
    if step := clock_step(np.array([row.at for row in rows])):
        notes.append(f"its clock moves in steps of {step:g} s")
    return Trace(
        rows=rows,
        format=known.name,
        name=file,
        block_tokens=found.block_tokens,
        notes=tuple(notes),
    )


def _chained(first: Line, rest: Iterator[Line]) -> Iterator[Line]:
    yield first
    yield from rest


def named(name: str) -> Format:
    """Return the format of this name."""
    if name not in FORMATS:
        raise TraceError(f"there is no trace format {name!r}: {', '.join(FORMATS)}")
    return FORMATS[name]


def recognised(line: str, file: str) -> Format:
    """Return the format whose first line this is."""
    for one in FORMATS.values():
        if one.recognises(line):
            return one
    known = "\n".join(f"  {one.name}: {one.allowed}" for one in FORMATS.values())
    raise TraceError(
        f"{file} is in no format known here; it begins with {line[:80]!r}. Known are:\n{known}"
    )
