"""Where a finished record goes: terminal, files, and the exit code its budget gives."""

import gzip
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.load.observed import Trial
from benchmarks.report import console, markdown, record_file, rows_csv
from benchmarks.report.budget import INVALID_EXIT, judged
from benchmarks.report.page import document
from benchmarks.report.record import Record

INVALID: Final = "invalid"


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What to write where; nothing set prints the report and no more."""

    json: Path | None = None
    html: Path | None = None
    md: Path | None = None
    csv: Path | None = None
    raw: Path | None = None
    """Every request as a line of JSON; gzipped if the name ends in `.gz`."""
    quiet: bool = False
    """Print nothing on standard output, and no progress."""
    budget: str = ""
    """As `report.budget.parse` reads it."""


def deliver(record: Record, output: Output, trials: Mapping[str, Trial] | None = None) -> int:
    """Print and write a record; return 0, 3 for a broken budget, 4 for an invalid run.

    `trials`, by arm, is what `raw` is written from. A file that cannot be written is said on
    standard error and makes it 4: whoever asked for it will look for it.
    """
    if not output.quiet:
        if sys.stdout.isatty():
            console.show(record)
        else:
            print(console.as_text(record), end="")
    lines, code = judged(record, output.budget) if output.budget else ([], 0)
    for line in lines:
        print(line)
    try:
        _files(record, output, trials or {})
    except OSError as error:
        print(f"cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return INVALID_EXIT
    return INVALID_EXIT if record.verdict == INVALID else code


def _files(record: Record, output: Output, trials: Mapping[str, Trial]) -> None:
    if output.json is not None:
        record_file.save(record, output.json)
    if output.md is not None:
        _write(output.md, markdown.as_markdown(record))
    if output.csv is not None:
        _write(output.csv, rows_csv.as_csv(record))
    if output.html is not None:
        _write(output.html, document.as_html(record))
    if output.raw is not None:
        _raw(output.raw, trials)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _raw(path: Path, trials: Mapping[str, Trial]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoder = msgspec.json.Encoder()
    lines = [
        encoder.encode({"arm": arm, **msgspec.structs.asdict(one)})
        for arm, trial in trials.items()
        for one in trial.observed
    ]
    data = b"\n".join([*lines, b""])
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
