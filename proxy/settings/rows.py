"""Settings as rows of text, in the order of the reference page: what is shown of them anywhere.

A secret is `***` in every row, so rows may leave the process.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET

from proxy.settings import fields, text
from proxy.settings.fields import Group, Items, Leaf, Named, Spec
from proxy.settings.problems import DEFAULT, Source
from proxy.settings.schema import Settings

_BACKEND: Final = re.compile(r"backends\[([0-9]+)\]")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line: a key, or a section if `value` is None; `item` marks an item's first line."""

    path: str
    depth: int
    key: str
    item: bool = False
    value: str | None = None
    source: Source = DEFAULT


def rows(settings: Settings, origins: Mapping[str, Source]) -> Iterator[Row]:
    """Yield every section and key; `origins` (by path) says where those that were set came from."""
    return _Walk(origins).group(fields.tree(), settings, "", 0)


def listed(settings: Settings, origins: Mapping[str, Source]) -> list[dict[str, str]]:
    """Return `{path, value, origin}` for each key: what `explain --json` and `/config` show."""
    return [
        {"path": row.path, "value": row.value, "origin": str(row.source)}
        for row in rows(settings, origins)
        if row.value is not None
    ]


def by_name(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return paths and values with `backends[0]` written as `backends[NAME]`.

    Two lists of backends can then be compared, whatever their order.
    """
    pairs = list(rows)
    names = {
        match[1]: value.strip('"')
        for path, value in pairs
        if (match := _BACKEND.match(path)) and path.endswith("].name")
    }

    def named(match: re.Match[str]) -> str:
        return f"backends[{names.get(match[1], match[1])}]"

    return {_BACKEND.sub(named, path, count=1): value for path, value in pairs}


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
