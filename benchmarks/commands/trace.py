"""`headrace bench trace info|convert|fit|synth`: look at traces, rewrite them, make some."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.load.shape import Shape
from benchmarks.load.wording import WorkloadError
from benchmarks.trace import tables
from benchmarks.trace.fit import Fit, fit
from benchmarks.trace.info import info
from benchmarks.trace.problems import TraceError
from benchmarks.trace.reading import read
from benchmarks.trace.replay import AUTO, Replay, sent
from benchmarks.trace.rows import Trace
from benchmarks.trace.synth import synth
from benchmarks.trace.writing import losses, write

WRONG_WORDS: Final = 2
UNUSABLE: Final = 4
MEANING: Final = """\
The fit misses the trace by {error:.1%} (root mean square over the windows). The last column is what
eight of ten drawn runs of the trace's length show: long bursts need longer to show themselves."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Which trace, and which part of it."""

    path: Path
    format: str = ""
    """azure, burstgpt, servegen, otel, access-log, mooncake, csv or jsonl; empty: recognised."""
    start: float = 0.0
    """Seconds to leave out at its beginning."""
    span: float | None = None
    """Seconds to take."""
    skip_bad: bool = False
    """Leave bad rows out instead of refusing the trace."""


class InfoOptions(Source, frozen=True, kw_only=True):
    """Tell the figures of a trace."""

    json: bool = False


class ConvertOptions(Source, frozen=True, kw_only=True):
    """Write a trace in another format."""

    to: Path
    as_format: str = ""
    """azure, burstgpt, mooncake, csv or jsonl; empty: by the ending of `to`, .jsonl or csv."""
    speed: float = 1.0
    spread: float = AUTO
    """Seconds to spread rows of a coarse clock over; 0 leaves them."""
    seed: int = 1


class FitOptions(Source, frozen=True, kw_only=True):
    """Find a pattern that is as bursty as a trace."""

    to: Path | None = None
    """Where to write the pattern, for `--preset`."""
    json: bool = False


class SynthOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Write a trace that is drawn, from a preset, a fit or any flags of a workload."""

    shape: Shape
    to: Path
    as_format: str = ""
    seed: int = 1


Options = InfoOptions | ConvertOptions | FitOptions | SynthOptions


def main(options: Options) -> int:
    """Do what the options are for; 2 for wrong words, 4 for a trace that cannot be used."""
    try:
        match options:
            case InfoOptions():
                return _info(options)
            case ConvertOptions():
                return _convert(options)
            case FitOptions():
                return _fit(options)
            case SynthOptions():
                return _synth(options)
    except WorkloadError as error:
        return _tell(error, WRONG_WORDS)
    except TraceError as error:
        return _tell(error, UNUSABLE)


def _tell(error: ValueError, code: int) -> int:
    print(f"headrace bench trace: {error}", file=sys.stderr)
    return code


def _trace(source: Source) -> Trace:
    whole = read(source.path, source.format or None, skip_bad=source.skip_bad)
    return whole.cut(source.start, source.span)


def _info(options: InfoOptions) -> int:
    figures = info(_trace(options))
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(figures)).decode())
        return 0
    _show(tables.facts(figures), tables.dispersion(figures), tables.lengths(figures))
    _notes(figures.notes)
    return 0


def _convert(options: ConvertOptions) -> int:
    trace = sent(
        _trace(options), Replay(speed=options.speed, spread=options.spread), seed=options.seed
    )
    return _write(trace, options.to, options.as_format)


def _fit(options: FitOptions) -> int:
    found = fit(_trace(options))
    if options.to is not None:
        _save(found, options.to)
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
        return 0
    _show(tables.fitted(found))
    print(MEANING.format(error=found.error))
    if options.to is not None:
        print(f"written: {options.to}; use it with --preset {options.to}")
    return 0


def _save(found: Fit, path: Path) -> None:
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(found.pattern)) + b"\n")
    except OSError as error:
        raise TraceError(f"{path} cannot be written: {error.strerror or error}") from error


def _synth(options: SynthOptions) -> int:
    return _write(synth(options.shape, seed=options.seed), options.to, options.as_format)


def _write(trace: Trace, path: Path, given: str) -> int:
    name = given or ("jsonl" if path.suffix in {".jsonl", ".ndjson"} else "csv")
    write(trace, path, name)
    print(f"{path}: {len(trace.rows)} rows, {name}")
    _notes([*trace.notes, *losses(trace, name)])
    return 0


def _notes(notes: Sequence[str]) -> None:
    for note in notes:
        print(f"note: {note}")


def _show(*shown: Table) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    for table in shown:
        console.print(table)
