"""All engine kinds there are, by the name the `type` setting uses.

Those of the package are read once, when this module is loaded: 16 files, 25 ms of CPU. Those of a
user come from `settings`, which reads files and tells what is wrong with them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import yaml

from proxy.dialects import assembly, flaws
from proxy.dialects.base import Engine
from proxy.dialects.detect import LISTING
from proxy.dialects.flaws import Flaw

# libyaml's parser where there is one: ten times faster than the one in Python.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
GENERIC: Final = "openai"


def parse(text: str | bytes) -> tuple[Engine | None, list[Flaw]]:
    """Return the record a profile describes, or None and everything that is wrong with it.

    Raises yaml.YAMLError for what is no YAML at all.
    """
    profile, found = flaws.read(yaml.load(text, Loader=_LOADER))  # noqa: S506 - both are safe
    return (None, found) if profile is None else (assembly.engine(profile), [])


def _own() -> Mapping[str, Engine]:
    """Return the records of the package, the generic one last: it takes what no other claims."""
    known: dict[str, Engine] = {}
    for file in Path(__file__).with_name("profiles").glob("*.yaml"):
        record, found = parse(file.read_bytes())
        if record is None:
            problems = "; ".join(f"{flaw.path}: {flaw.found}" for flaw in found)
            raise ValueError(f"{file.name}: {problems}")
        known[record.name] = record
    return MappingProxyType(dict(sorted(known.items(), key=lambda kv: (kv[0] == GENERIC, kv[0]))))


ENGINES: Final[Mapping[str, Engine]] = _own()
OPENAI: Final = ENGINES[GENERIC]


def engine(name: str) -> Engine:
    """Return the record called `name`; an unknown or empty name gets the generic OpenAI record."""
    return ENGINES.get(name, OPENAI)


def probe_paths(engines: Iterable[Engine] = tuple(ENGINES.values())) -> frozenset[str]:
    """Return every path the records may ask with a GET: the allow-list of the control plane."""
    paths = {LISTING}
    for known in engines:
        paths.add(known.models_path)
        paths.update(probe.path for probe in known.ready)
        paths.update(part.path for part in known.details)
        paths.update(part.path for part in known.load)
        if known.capacity is not None:
            paths.add(known.capacity.path)
        if known.sign is not None:
            paths.update(probe.path for probe in known.sign.confirm)
    return frozenset(paths)
