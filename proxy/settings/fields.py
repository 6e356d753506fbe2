"""The settings tree as data: every key with its path, unit, default and bounds.

Read once from the structs of `schema`: the loader, the environment names, `headrace explain` and
the reference page all follow from that one place.
"""

import functools
import types
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from proxy.settings.keys import Shared
from proxy.settings.schema import KNOWN_TYPES, Settings
from proxy.settings.tracing import Tracing

PREFIX: Final = "HEADRACE_"
_TRACING: Final = [f"tracing.{name}" for name in Tracing.__struct_fields__ if name != "content"]
_ALONE: Final = ("listen", "admin", "socket_mode", "workers", "log.format")
_SHARED: Final = [f"keys.shared.{name}" for name in Shared.__struct_fields__]
_STORES: Final = ("keys.database", "keys.ledger")
FIXED: Final = frozenset({*_ALONE, *_SHARED, *_STORES, *_TRACING})  # at a reload
CONFIG: Final = "HEADRACE_CONFIG"  # the file itself; not a key of the file


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """A key with a value of its own. `unit` names how the value is written: see `text`.

    `restart`: a running process keeps the value it started with.
    """

    path: str
    unit: str
    doc: str
    hint: str = ""
    required: bool = False
    nullable: bool = False
    default: Any = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    enum: type[StrEnum] | None = None
    restart: bool = False

    @property
    def variable(self) -> str:
        """Return the environment variable that sets it, or an empty string: lists have none."""
        if "[" in self.path or "*" in self.path or self.unit == "names":
            return ""
        return PREFIX + self.path.upper().replace(".", "_")


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping with fixed keys; `cls` is the struct it becomes."""

    path: str
    doc: str
    cls: type[msgspec.Struct]
    members: "dict[str, Spec]"


class Items(msgspec.Struct, frozen=True, kw_only=True):
    """A list of groups; the path of an item ends in `[]`."""

    path: str
    doc: str
    item: Group


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping whose keys are names chosen by the user; the path of a value ends in `.*`."""

    path: str
    doc: str
    item: "Group | Leaf"


Spec = Leaf | Group | Items | Named


@functools.cache
def tree() -> Group:
    """Return the whole settings tree."""
    return _group(Settings, "", "")


def leaves(spec: Spec | None = None) -> Iterator[Leaf]:
    """Yield every leaf in the order of the structs."""
    spec = tree() if spec is None else spec
    match spec:
        case Leaf():
            yield spec
        case Group():
            for member in spec.members.values():
                yield from leaves(member)
        case Items() | Named():
            yield from leaves(spec.item)


def variables() -> dict[str, Leaf | Items]:
    """Return what each environment variable sets; `HEADRACE_BACKENDS` is a list of URLs."""
    found: dict[str, Leaf | Items] = {leaf.variable: leaf for leaf in leaves() if leaf.variable}
    for name, spec in tree().members.items():
        if isinstance(spec, Items):
            found[PREFIX + name.upper()] = spec
    return found


def _group(cls: type[msgspec.Struct], path: str, doc: str) -> Group:
    hints = get_type_hints(cls, include_extras=True)
    members: dict[str, Spec] = {}
    for field in msgspec.structs.fields(cls):
        if _unwrapped(hints[field.name])[1].get("unit") == "made":
            continue  # no key: it follows from others
        where = f"{path}.{field.name}" if path else field.name
        members[field.name] = _spec(hints[field.name], where, field)
    return Group(path=path, doc=doc or _first_line(cls), cls=cls, members=members)


def _spec(hint: Any, path: str, field: msgspec.structs.FieldInfo | None) -> Spec:  # noqa: ANN401
    inner, facts = _unwrapped(hint)
    doc = facts.get("doc", "")
    if "unit" in facts or not isinstance(inner, type | types.GenericAlias):
        return _leaf(inner, path, field, facts)
    if get_origin(inner) is dict:
        value = get_args(inner)[1]
        item = _spec(value, f"{path}.*", None)
        if isinstance(item, Group):
            item = msgspec.structs.replace(item, doc=doc)
        assert isinstance(item, Group | Leaf), path
        return Named(path=path, doc=doc, item=item)
    if get_origin(inner) is tuple:
        return Items(path=path, doc=doc, item=_group(get_args(inner)[0], f"{path}[]", ""))
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return _group(inner, path, doc)
    return _leaf(inner, path, field, facts)


def _leaf(
    inner: Any,  # noqa: ANN401  a type form: there is no type for these before 3.14
    path: str,
    field: msgspec.structs.FieldInfo | None,
    facts: dict[str, Any],
) -> Leaf:
    enum = inner if isinstance(inner, type) and issubclass(inner, StrEnum) else None
    unit = facts.get("unit") or ("choice" if enum else inner.__name__)
    default = None if field is None or field.required else field.default
    return Leaf(
        path=path,
        unit=unit,
        doc=facts.get("doc", ""),
        hint=facts.get("hint", ""),
        required=field is not None and field.required,
        nullable=bool(facts.get("nullable")),
        default=default,
        low=facts.get("low"),
        high=facts.get("high"),
        choices=KNOWN_TYPES if unit == "type" else tuple(one.value for one in enum or ()),
        enum=enum,
        restart=path in FIXED,
    )


def _unwrapped(hint: Any) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401  a type form
    """Return the type inside `Annotated` and `| None`, with what the annotations say."""
    if get_origin(hint) is Annotated:
        inner, *metas = get_args(hint)
        inner, facts = _unwrapped(inner)
        for meta in metas:
            facts |= {"doc": meta.description} if meta.description else {}
            facts |= {"low": meta.ge} if meta.ge is not None else {}
            facts |= {"high": meta.le} if meta.le is not None else {}
            facts |= meta.extra or {}
        return inner, facts
    if get_origin(hint) in {Union, types.UnionType}:
        options = get_args(hint)
        inner, facts = _unwrapped(options[0])
        facts["nullable"] = type(None) in options
        return inner, facts
    return hint, {}


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").partition("\n")[0]
