"""`headrace explain`: the effective settings, each with where it came from."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import orjson
from msgspec import UNSET

from proxy.settings import fields, text
from proxy.settings.fields import Group, Items, Leaf, Named, Spec
from proxy.settings.load import Loaded
from proxy.settings.problems import DEFAULT, Source

COLUMN = 44  # where the comments begin, if the value leaves room


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line: a key, or a section if `value` is None; `item` marks an item's first line."""

    path: str
    depth: int
    key: str
    item: bool = False
    value: str | None = None
    source: Source = DEFAULT


def as_yaml(loaded: Loaded) -> str:
    """Return the settings as YAML that loads to the same settings (but for `***`), with origins."""
    lines = []
    for row in rows(loaded):
        indent = "  " * row.depth
        if row.item:
            indent = f"{indent[:-2]}- "
        if row.value is None:
            lines.append(f"{indent}{row.key}:")
        else:
            written = f"{indent}{row.key}: {row.value}"
            lines.append(f"{written:<{COLUMN}}  # {row.source}")
    return "\n".join(lines) + "\n"


def as_json(loaded: Loaded) -> str:
    """Return an array of `{path, value, origin}`, one object for each key."""
    found = [
        {"path": row.path, "value": row.value, "origin": str(row.source)}
        for row in rows(loaded)
        if row.value is not None
    ]
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def rows(loaded: Loaded) -> Iterator[Row]:
    """Yield every section and key, in the order of the reference page."""
    return _Walk(loaded.origins).group(fields.tree(), loaded.settings, "", 0)


class _Walk:
    """Goes down the settings and their schema together."""

    __slots__ = ("_origins",)

    def __init__(self, origins: Mapping[str, Source]) -> None:
        self._origins = origins

    def group(self, spec: Group, value: msgspec.Struct, path: str, depth: int) -> Iterator[Row]:
        for name, member in spec.members.items():
            where = f"{path}.{name}" if path else name
            yield from self._member(member, getattr(value, name), where, name, depth)

    def _member(self, spec: Spec, value: Any, path: str, key: str, depth: int) -> Iterator[Row]:  # noqa: ANN401
        match spec:
            case Leaf():
                yield from self._leaf(spec, value, path, key, depth)
            case Group():
                yield from _section(path, key, depth, self.group(spec, value, path, depth + 1))
            case Items():
                yield from self._items(spec, value, path, key, depth)
            case Named():
                inner = (
                    row
                    for name, one in value.items()
                    for row in self._member(
                        spec.item, one, f"{path}.{name}", text.quoted(name), depth + 1
                    )
                )
                yield from _section(path, key, depth, inner)

    def _items(
        self, spec: Items, value: tuple[Any, ...], path: str, key: str, depth: int
    ) -> Iterator[Row]:
        if not value:
            yield Row(
                path=path, depth=depth, key=key, value="[]", source=self._origins.get(path, DEFAULT)
            )
            return
        yield Row(path=path, depth=depth, key=key)
        for index, item in enumerate(value):
            inner = self.group(spec.item, item, f"{path}[{index}]", depth + 2)
            yield msgspec.structs.replace(next(inner), item=True)
            yield from inner

    def _leaf(self, spec: Leaf, value: Any, path: str, key: str, depth: int) -> Iterator[Row]:  # noqa: ANN401
        if value is UNSET:
            return
        source = self._origins.get(path, DEFAULT)
        if spec.unit == "secret" and value is not None and path not in self._origins:
            return  # it came from api_key_file, which stands in the next line
        yield Row(path=path, depth=depth, key=key, value=text.show(spec, value), source=source)


def _section(path: str, key: str, depth: int, inner: Iterator[Row]) -> Iterator[Row]:
    """Yield the head of a section and its rows; nothing if it has none."""
    first = next(inner, None)
    if first is not None:
        yield Row(path=path, depth=depth, key=key)
        yield first
        yield from inner
