"""Records in files: versioned JSON, plain or gzipped, and what a reader refuses."""

import gzip
import math
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.report.record import SCHEMA, Record

GZIP: Final = b"\x1f\x8b"


class RecordError(Exception):
    """A file holds no record this version can read; the message says what it is instead."""


class _Version(msgspec.Struct):
    schema: int
    command: str


def encode(record: Record) -> bytes:
    """Return a record as indented JSON, one newline at its end."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def decode(data: bytes, *, origin: str) -> Record:
    """Read a record; `origin` names it in messages.

    Unknown fields of a schema we know are skipped: they were added later and have a default.
    Raises RecordError.
    """
    if data.startswith(GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise RecordError(f"{origin} is a damaged gzip file: {error}") from error
    try:
        version = msgspec.json.decode(data, type=_Version)
    except msgspec.ValidationError as error:
        raise RecordError(
            f"{origin} is JSON, but not a result of headrace bench ({error}); "
            "give a file written with --json."
        ) from error
    except msgspec.DecodeError as error:
        raise RecordError(
            f"{origin} is not JSON ({error}); give a file written with --json."
        ) from error
    if version.schema > SCHEMA:
        raise RecordError(
            f"{origin} has schema {version.schema}; this headrace reads schemas up to {SCHEMA}. "
            "Read it with the version that wrote it, or a later one."
        )
    try:
        return msgspec.convert(_with_gaps(msgspec.json.decode(data)), type=Record)
    except msgspec.ValidationError as error:
        raise RecordError(
            f"{origin} claims schema {version.schema}, but a field is wrong: {error}."
        ) from error


def _with_gaps(document: Any) -> Any:  # noqa: ANN401 - JSON before it is checked
    """Return a decoded record whose series hold NaN where JSON, which has none, says null."""
    series = document.get("series")
    for columns in series.values() if isinstance(series, dict) else ():
        for values in columns.values() if isinstance(columns, dict) else ():
            if isinstance(values, list):
                values[:] = [math.nan if value is None else value for value in values]
    return document


def load(path: Path) -> Record:
    """Read a record from a file. Raises RecordError, also if the file cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}.") from error
    return decode(data, origin=str(path))


def save(record: Record, path: Path) -> None:
    """Write a record, gzipped if the name ends in `.gz`. Raises OSError."""
    data = encode(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
