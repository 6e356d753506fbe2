"""More backends from files of their own: lists that other programs write.

Each is read and judged like the list in the settings file, and its backends stand behind those.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from proxy.settings import document, fields
from proxy.settings.problems import Layer, Source
from proxy.settings.reading import Reading
from proxy.settings.schema import BackendSettings, Settings

MAX_FILE: Final = 4 << 20  # 10,000 backends
_KEY: Final = "backends"
_PATTERN: Final = frozenset("*?[")


def with_files(settings: Settings, base: Path, reading: Reading) -> Settings:
    """Return `settings` with the backends of all files it names; `base` is where paths start."""
    found = list(settings.backends)
    for name in settings.discovery.files:
        for file in _matching(base, name, reading):
            found += _backends(file, len(found), reading)
    return msgspec.structs.replace(settings, backends=tuple(found))


def _matching(base: Path, name: str, reading: Reading) -> list[Path]:
    """Return the files that `name` stands for; a pattern may match none, its folder is watched."""
    path = base / name
    if not _PATTERN & set(path.name):
        return [path]
    reading.files.append(path.parent)
    return sorted(each for each in path.parent.glob(path.name) if each.is_file())


def _backends(file: Path, first: int, reading: Reading) -> list[BackendSettings]:
    """Return the backends of one file; the first of them has the index `first` in all."""
    source = Source(layer=Layer.FILE, name=str(file))
    reading.files.append(file)
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE + 1)
    except OSError as error:
        hint = "discovery.files names it; a pattern such as backends.d/*.yaml may match nothing"
        reading.note("", source, f"cannot be read: {error.strerror}", hint=hint)
        return []
    if len(data) > MAX_FILE:
        reading.note("", source, "larger than 4 MiB")
        return []
    root, problems = document.parse(data, str(file))
    reading.problems += problems
    if problems:
        return []
    return [*_read(_items(root, source, reading), first, reading)]


def _items(root: document.Node, source: Source, reading: Reading) -> tuple[document.Node, ...]:
    """Return the items of the list that is the document, or its one key."""
    if isinstance(root, document.Mapping) and root.entries.keys() == {_KEY}:
        root = root.entries[_KEY].value
    if isinstance(root, document.Sequence):
        return root.items
    # An empty file is no empty list: whoever writes it may not be done.
    hint = "write - url: http://host:port for each, or [] for none"
    reading.note("", source, "it holds no list of backends", hint=hint)
    return ()


def _read(
    items: tuple[document.Node, ...], first: int, reading: Reading
) -> Iterator[BackendSettings]:
    spec = fields.tree().members[_KEY]
    assert isinstance(spec, fields.Items)
    for index, item in enumerate(items, first):
        path = f"{_KEY}[{index}]"
        reading.origins[path] = item.source
        backend = reading.group(spec.item, item, path)
        assert isinstance(backend, BackendSettings)
        yield backend
