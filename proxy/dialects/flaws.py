"""What is wrong with a profile, all of it at once, each with its place and what is allowed.

`msgspec` stops at the first mistake, which is right for the profiles that come with the package and
wrong for a person who writes one. So a document that does not convert is walked by the types of the
schema; one that does is then held against the rules that no type can express.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect

from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.profile import ASKED, SCHEMA, Profile

NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PATH: Final = re.compile(r"/[A-Za-z0-9._~/-]*(\?[A-Za-z0-9._~=&,-]*)?")
# Nobody asks these in order to learn something: they stop, empty or change an engine.
DEADLY: Final = re.compile(
    r"(?i)/(terminate|shutdown|quit|kill|drain|abort\w*|flush\w*|sleep|wake\w*|pause|reset\w*|"
    r"release_\w+|unload|delete|update_weights\w*)\b|[?&](action|reload|autoload=true)"
)
Place = tuple[str | int, ...]


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that must be changed: where it stands, what is there, what may be."""

    place: Place
    found: str
    allowed: str = ""
    hint: str = ""

    @property
    def path(self) -> str:
        """Return the place as text: `identity.claims[0].owners`."""
        parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.place)
        return "".join(parts).lstrip(".")


def read(document: object) -> tuple[Profile | None, list[Flaw]]:
    """Return the profile in a YAML document, or None and everything that is wrong with it."""
    try:
        profile = msgspec.convert(document, Profile)
    except msgspec.ValidationError as error:
        found = list(_walk(document, inspect.type_info(Profile), ()))
        return None, found or [Flaw(place=(), found=str(error))]
    flaws = list(_rules(profile))
    return (None, flaws) if flaws else (profile, [])


# by type ------------------------------------------------------------------------------------------


def _walk(value: object, kind: inspect.Type, place: Place) -> Iterator[Flaw]:
    match kind:
        case inspect.StructType():
            yield from _struct(value, kind, place)
        case inspect.VarTupleType():
            yield from _list(value, kind, place)
        case inspect.DictType():
            yield from _mapping(value, kind, place)
        case inspect.UnionType():
            if all(any(_walk(value, option, place)) for option in kind.types):
                allowed = " or ".join(_words(o) for o in kind.types if _words(o) != "nothing")
                yield _wrong(value, place, allowed)
        case inspect.EnumType():
            words = [str(one.value) for one in kind.cls]
            if value not in words:
                yield _wrong(value, place, ", ".join(words), _nearest(str(value), words))
        case _:
            if not _fits(value, kind):
                yield _wrong(value, place, _words(kind))


def _list(value: object, kind: inspect.VarTupleType, place: Place) -> Iterator[Flaw]:
    if not isinstance(value, list):
        yield _wrong(value, place, "a list")
        return
    for index, item in enumerate(value):
        yield from _walk(item, kind.item_type, (*place, index))


def _mapping(value: object, kind: inspect.DictType, place: Place) -> Iterator[Flaw]:
    if not isinstance(value, dict):
        yield _wrong(value, place, "a section with keys")
        return
    for key, item in value.items():
        yield from _walk(item, kind.value_type, (*place, str(key)))


def _struct(value: object, kind: inspect.StructType, place: Place) -> Iterator[Flaw]:
    if not isinstance(value, dict):
        yield _wrong(value, place, "a section with keys")
        return
    members = {field.name: field for field in kind.fields}
    for key, item in value.items():
        if key in members:
            yield from _walk(item, members[key].type, (*place, key))
        else:
            hint = _nearest(str(key), members)
            allowed = ", ".join(members)
            yield Flaw(place=(*place, str(key)), found="unknown key", allowed=allowed, hint=hint)
    for field in kind.fields:
        if field.required and field.name not in value:
            yield Flaw(
                place=(*place, field.name),
                found="this key is missing",
                allowed=_words(field.type),
            )


def _fits(value: object, kind: inspect.Type) -> bool:
    number = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(kind, inspect.FloatType):
        return number or isinstance(value, float)
    if isinstance(kind, inspect.IntType):
        return number
    plain = {inspect.StrType: str, inspect.BoolType: bool, inspect.NoneType: type(None)}
    return isinstance(value, plain.get(type(kind), object))


def _words(kind: inspect.Type) -> str:
    named: Mapping[type, str] = {
        inspect.StrType: "a text",
        inspect.BoolType: "true or false",
        inspect.IntType: "a whole number",
        inspect.FloatType: "a number",
        inspect.NoneType: "nothing",
        inspect.VarTupleType: "a list",
    }
    return named.get(type(kind), "a section with keys")


def _wrong(value: Any, place: Place, allowed: str, hint: str = "") -> Flaw:  # noqa: ANN401 - YAML
    shown = {dict: "a section with keys", list: "a list", type(None): "no value"}.get(type(value))
    return Flaw(place=place, found=f"found {shown or repr(value)}", allowed=allowed, hint=hint)


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f"did you mean {near[0]}?" if near else ""


# by rule ------------------------------------------------------------------------------------------


def _rules(profile: Profile) -> Iterator[Flaw]:
    if profile.schema != SCHEMA:
        yield Flaw(place=("schema",), found=f"found {profile.schema}", allowed=str(SCHEMA))
    if not NAME.fullmatch(profile.profile) or profile.profile == "auto":
        allowed = "small letters, digits and hyphens, and not auto"
        yield Flaw(place=("profile",), found=f"found {profile.profile!r}", allowed=allowed)
    yield from _paths(profile)
    yield from _operations(profile)
    yield from _patterns(profile)
    if profile.identity.claims and not profile.identity.confirm:
        hint = "name a GET whose body nobody else has: a claim alone proves nothing"
        yield Flaw(place=("identity", "confirm"), found="no confirmation", hint=hint)
    if all(probe.cost not in ASKED for probe in profile.ready.probes):
        hint = "name at least one GET that costs no more than a place in the queue"
        yield Flaw(place=("ready", "probes"), found="nothing that may be asked", hint=hint)
    if not 0.1 <= profile.client.idle <= 3600:
        found = f"found {profile.client.idle:g}"
        yield Flaw(place=("client", "idle"), found=found, allowed="0.1 to 3600 seconds")


def _paths(profile: Profile) -> Iterator[Flaw]:
    for where, path, cost in profile.gets():
        place = (*_steps(where), "get")
        if not _PATH.fullmatch(path):
            yield Flaw(place=place, found=f"found {path!r}", allowed="a path that begins with /")
        elif DEADLY.search(path):
            hint = "a probe only asks: this would stop or change the engine"
            yield Flaw(place=place, found=f"{path} must never be asked", hint=hint)
        elif path in profile.never and cost is not profile.never[path]:
            hint = "ask another path, or give the probe that cost too: it is then left out"
            found = f"{path} costs {profile.never[path].value} (never)"
            yield Flaw(place=place, found=found, hint=hint)
    for path, cost in profile.never.items():
        if cost in ASKED:
            allowed = "gpu, wakes, destructive"
            yield Flaw(place=("never", path), found=f"found {cost.value}", allowed=allowed)


def _operations(profile: Profile) -> Iterator[Flaw]:
    known = set(OPERATIONS)
    if not known.intersection(profile.operations):
        yield Flaw(place=("operations",), found="none that this proxy serves")
    for path, operation in profile.operations.items():
        place = ("operations", path)
        if path not in known:
            hint = _nearest(path, known)
            yield Flaw(place=place, found="not a path this proxy serves", hint=hint)
        own = operation.path
        if own and (not _PATH.fullmatch(own) or "?" in own or DEADLY.search(own)):
            allowed = "a path for inference"
            yield Flaw(place=(*place, "path"), found=f"found {own!r}", allowed=allowed)


def _patterns(profile: Profile) -> Iterator[Flaw]:
    for index, claim in enumerate(profile.identity.claims):
        yield from _compiled(claim.header, ("identity", "claims", index, "header"))
    places = [("identity", "confirm", n) for n in range(len(profile.identity.confirm))]
    probes = [*zip(places, profile.identity.confirm, strict=True)]
    probes += [(("ready", "probes", n), probe) for n, probe in enumerate(profile.ready.probes)]
    for place, probe in probes:
        yield from _compiled(probe.expect.match, (*place, "expect", "match"))


def _compiled(patterns: Mapping[str, str], place: Place) -> Iterator[Flaw]:
    for key, pattern in patterns.items():
        try:
            re.compile(pattern)
        except re.error as error:
            found = f"{pattern!r} is no regular expression: {error}"
            yield Flaw(place=(*place, key), found=found)


def _steps(where: str) -> Place:
    return tuple(
        int(part) if part.isdigit() else part for part in re.split(r"[.\[\]]+", where) if part
    )
