"""Writing a trace in another format."""

from pathlib import Path
from typing import Final

from benchmarks.trace.problems import TraceError
from benchmarks.trace.reading import FORMATS, named
from benchmarks.trace.rows import Trace

WRITTEN: Final = tuple(name for name, one in FORMATS.items() if one.write is not None)


def write(trace: Trace, path: Path, format: str = "csv") -> None:
    """Write a trace; what the format has no place for (sessions, prefixes) is not in it.

    The file appears when it is complete. Raises TraceError if it cannot be written.
    """
    one = named(format)
    if one.write is None:
        raise TraceError(f"{format} is only read: write {', '.join(WRITTEN)}")
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(line + "\n" for line in one.write(trace))
        part.replace(path)
    except OSError as error:
        raise TraceError(f"{path} cannot be written: {error.strerror or error}") from error


def losses(trace: Trace, format: str) -> tuple[str, ...]:
    """Return what this format has no place for, in words."""
    lost = []
    if format in {"azure", "burstgpt"} and any(row.prefix for row in trace.rows):
        lost.append(f"{format} has no place for prefix blocks: they are left out")
    if format in {"azure", "mooncake"} and any(row.session >= 0 for row in trace.rows):
        lost.append(f"{format} has no place for sessions: turns become requests of their own")
    return tuple(lost)
