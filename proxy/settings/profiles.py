"""Engine profiles of a user's own: the files of a folder, checked like the settings themselves."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec
import yaml
from typing_extensions import override

from proxy.dialects.base import Engine
from proxy.dialects.flaws import Flaw
from proxy.dialects.registry import ENGINES, GENERIC, parse
from proxy.settings import document
from proxy.settings.problems import Layer, Problem, Source

MAX_FILE: Final = 256 * 1024
MAX_FILES: Final = 256


class Profiles(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of profiles, and the records made from them once they have been read."""

    folder: str
    engines: Mapping[str, Engine] = MappingProxyType({})

    @override
    def __str__(self) -> str:
        """Return the folder: that is how it is written."""
        return self.folder


def together(own: Profiles | None) -> Mapping[str, Engine]:
    """Return the records of the package with a user's own: added, or in place of one by its name.

    The generic one stands last: it takes what no other claims.
    """
    if own is None:
        return ENGINES
    known = {**ENGINES, **own.engines}
    known[GENERIC] = known.pop(GENERIC)
    return MappingProxyType(known)


def read(folder: Path) -> tuple[Mapping[str, Engine], list[Problem]]:
    """Return the records of every `*.yaml` in `folder`, by name, and all that is wrong with them.

    Two files must not describe one kind. Raises OSError if the folder cannot be read.
    """
    problems: list[Problem] = []
    known: dict[str, Engine] = {}
    origins: dict[str, str] = {}
    files = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})
    for file in files[:MAX_FILES]:
        record = _record(file, problems)
        if record is None:
            continue
        first = origins.setdefault(record.name, str(file))
        if first == str(file):
            known[record.name] = record
        else:
            found = f"{record.name!r} is also the profile of {first}"
            problems.append(_problem(file, Flaw(place=("profile",), found=found), b""))
    return known, problems


def _record(file: Path, problems: list[Problem]) -> Engine | None:
    """Return the record of one file; None, and problems, if it has flaws."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE + 1)
    except OSError as error:
        flaw = Flaw(place=(), found=f"cannot be read: {error.strerror}")
        problems.append(_problem(file, flaw, b""))
        return None
    if len(data) > MAX_FILE:
        problems.append(_problem(file, Flaw(place=(), found="larger than 256 KiB"), b""))
        return None
    _, unwell = document.parse(data, str(file))  # bad YAML and keys that stand twice
    problems += unwell
    try:
        record, flaws = _parsed(data)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if not unwell:
            flaw = Flaw(place=(), found=f"not YAML: {type(error).__name__}")
            problems.append(_problem(file, flaw, b""))
        return None
    problems += [_problem(file, flaw, data) for flaw in flaws]
    return None if unwell else record


@lru_cache(maxsize=MAX_FILES)
def _parsed(data: bytes) -> tuple[Engine | None, list[Flaw]]:
    # The same text gives the same record: so a reload sees which kinds have changed.
    return parse(data)


def _problem(file: Path, flaw: Flaw, data: bytes) -> Problem:
    """Return a flaw as a problem, with the line where it stands."""
    source = Source(layer=Layer.FILE, name=str(file), line=_line(flaw, data, str(file)))
    return Problem(
        path=flaw.path, source=source, found=flaw.found, allowed=flaw.allowed, hint=flaw.hint
    )


def _line(flaw: Flaw, data: bytes, name: str) -> int:
    """Return the line of the innermost part of a flaw's place that is written; 0 = none is."""
    node, _ = document.parse(data, name)
    line = 0
    for step in flaw.place:
        if isinstance(node, document.Mapping) and step in node.entries:
            entry = node.entries[str(step)]
            line, node = entry.source.line, entry.value
        elif isinstance(node, document.Sequence) and isinstance(step, int):
            node = node.items[step]
            line = node.source.line
        else:
            break
    return line
