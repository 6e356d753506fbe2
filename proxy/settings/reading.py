"""Nodes against the schema: turn a tree of text into structs, noting every problem and origin.

A value that cannot be read is replaced by its default, so that reading goes on and all problems
come out at once; the result is only used when there were none.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from proxy.settings import document, secrets, text
from proxy.settings.fields import Group, Items, Leaf, Named, Spec, leaves
from proxy.settings.problems import Problem, Source, suggestion

_REFERENCE: Final = re.compile(r"\$\{\w+\}")


class Reading:
    """One pass over a tree. `problems` and `origins` (by concrete path) fill as it goes.

    So do `files`: those that were read, and those that should have been.
    """

    __slots__ = ("_env", "files", "origins", "problems")

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[Problem] = []
        self.origins: dict[str, Source] = {}
        self.files: list[Path] = []

    def group(self, spec: Group, node: document.Node, path: str) -> msgspec.Struct:
        """Return the struct that `node` describes."""
        values: dict[str, Any] = {}
        source = node.source
        for name, entry in self._entries(node, path, "a section with keys"):
            where = f"{path}.{name}" if path else name
            member = spec.members.get(name)
            if member is None:
                self._unknown(where, entry.source, name, spec)
            else:
                values[name] = self._value(member, entry.value, where)
        for name, member in spec.members.items():
            if not (isinstance(member, Leaf) and member.required):
                continue
            if name not in values and isinstance(node, document.Mapping):
                where = f"{path}.{name}" if path else name
                hint = f"it needs {text.allowed(member)}"
                self.note(where, source, "this key is missing", hint=hint)
            if values.get(name, UNREAD) is UNREAD:
                values[name] = ""
        return spec.cls(**{name: value for name, value in values.items() if value is not UNREAD})

    def note(
        self, path: str, source: Source, found: str, *, allowed: str = "", hint: str = ""
    ) -> None:
        """Keep a problem."""
        self.problems.append(
            Problem(path=path, source=source, found=found, allowed=allowed, hint=hint)
        )

    def _value(self, spec: Spec, node: document.Node, path: str) -> Any:  # noqa: ANN401
        match spec:
            case Leaf():
                return self._leaf(spec, node, path)
            case Group():
                return self.group(spec, node, path)
            case Items():
                return self._items(spec, node, path)
            case Named():
                return {
                    name: value
                    for name, entry in self._entries(node, path, "a mapping from names")
                    if (value := self._named(spec, name, entry, path)) is not UNREAD
                }

    def _items(self, spec: Items, node: document.Node, path: str) -> Any:  # noqa: ANN401
        if isinstance(node, document.Scalar) and node.null:
            return ()
        if not isinstance(node, document.Sequence):
            self.note(
                path, node.source, f"found {_kind(node)}", allowed="a list, each item after -"
            )
            return UNREAD
        groups = []
        for index, item in enumerate(node.items):
            where = f"{path}[{index}]"
            self.origins[where] = item.source
            groups.append(self.group(spec.item, item, where))
        return tuple(groups)

    def _named(self, spec: Named, name: str, entry: document.Entry, path: str) -> Any:  # noqa: ANN401
        where = f"{path}.{name}"
        if not text.nameable(name):
            found = f"found the name {text.masked(name)}"
            self.note(where, entry.source, found, allowed="1 to 256 printable characters")
            return UNREAD
        self.origins[where] = entry.source
        return self._value(spec.item, entry.value, where)

    def _entries(
        self, node: document.Node, path: str, allowed: str
    ) -> Iterator[tuple[str, document.Entry]]:
        """Yield the entries of a mapping; nothing for null, nothing and a problem for the rest."""
        if isinstance(node, document.Mapping):
            yield from node.entries.items()
        elif not (isinstance(node, document.Scalar) and node.null):
            hint = ""
            if path.startswith("backends[") and isinstance(node, document.Scalar):
                hint = f"write - url: {text.masked(node.text)[1:-1]}"
            self.note(path, node.source, f"found {_kind(node)}", allowed=allowed, hint=hint)

    def _leaf(self, spec: Leaf, node: document.Node, path: str) -> Any:  # noqa: ANN401
        if spec.unit in text.LISTS and isinstance(node, document.Sequence):
            return self._names(spec, node, path)
        if spec.unit in text.READ and isinstance(node, document.Sequence):
            return self._list(spec, node, path)
        if not isinstance(node, document.Scalar):
            self.note(path, node.source, f"found {_kind(node)}", allowed=text.allowed(spec))
            return UNREAD
        if node.null:
            if spec.nullable:
                self.origins[path] = node.source
                return None
            hint = "" if spec.required else "leave the key out to get the default"
            self.note(path, node.source, "no value", allowed=text.allowed(spec), hint=hint)
            return UNREAD
        try:
            value = self._read(spec, node.text)
        except ValueError as error:
            found = text.MASK if spec.unit in text.SECRET else text.masked(node.text)
            allowed = text.allowed(spec)
            self.note(path, node.source, f"found {found}", allowed=allowed, hint=str(error))
            return UNREAD
        self.origins[path] = node.source
        return value

    def _read(self, spec: Leaf, written: str) -> Any:  # noqa: ANN401
        if spec.unit in text.SECRET:
            return secrets.expand(written, self._env, fields=spec.unit == "headers")
        if _REFERENCE.search(written):
            hint = "${...} is replaced only in values that are never shown, as api_key"
            raise ValueError(f"{hint}; to override from outside, set {spec.variable}".strip())
        if spec.unit in {"names", "hashes", "keys"}:
            return (written,)
        return text.read(spec, written)

    def _names(self, spec: Leaf, node: document.Sequence, path: str) -> Any:  # noqa: ANN401
        self.origins[path] = node.source
        names = []
        for index, item in enumerate(node.items):
            if isinstance(item, document.Scalar) and not item.null and item.text.isprintable():
                names.append(item.text)
            else:
                found = f"found {_kind(item)}"
                allowed = text.LISTS[spec.unit]
                self.note(f"{path}[{index}]", item.source, found, allowed=allowed)
        return tuple(names)

    def _list(self, spec: Leaf, node: document.Sequence, path: str) -> tuple[Any, ...]:
        self.origins[path] = node.source
        found: list[Any] = []
        for index, item in enumerate(node.items):
            read = self._leaf(spec, item, f"{path}[{index}]")
            found += () if read is UNREAD else read
        return tuple(found)

    def _unknown(self, path: str, source: Source, name: str, spec: Group) -> None:
        plain = name.lower().replace("-", "_")
        elsewhere = [leaf.path for leaf in leaves() if leaf.path.rpartition(".")[2] == plain]
        if plain in spec.members or not elsewhere:
            hint = suggestion(name, spec.members)
        else:
            hint = f"did you mean {' or '.join(elsewhere)}?"
        self.note(path, source, "unknown key", allowed=", ".join(spec.members), hint=hint)


class _Unread:
    """The mark of a value that was wrong: the default stands in for it."""

    __slots__ = ()


UNREAD: Final = _Unread()


def _kind(node: document.Node) -> str:
    match node:
        case document.Scalar(null=True):
            return "no value"
        case document.Scalar():
            return text.masked(node.text)
        case document.Sequence():
            return "a list"
        case document.Mapping():
            return "a section with keys"
