"""Which models exist, and which backends serve each of them.

Theory. A catalog is a snapshot: built whole, never changed, replaced by swapping one reference. A
request resolves its model once and keeps what it got, so a reload cannot pull the ground from under
it. Everything a request could ask for is worked out when the catalog is built; resolving is one
dictionary lookup. Names match exactly: guessing what a client meant sends prompts to wrong models.

Names and weights. Engines that list one name serve one model: the name is their operators' word.
Two things are stronger than a name. Equal proofs of the weights join models of different names, so
that each name reaches all backends that have them. Different content hashes part models of one
name: the first backend's weights serve it, others only while those cannot. A proof is a text
`scheme:...`; only those of the scheme `sha256` are content hashes.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from types import MappingProxyType

import msgspec
from typing_extensions import override

from proxy.core.backend import Backend

OPEN_SHARE = 0.5  # of a model's backends that a low success rate alone may take out of use
_HASH = "sha256:"
Entry = tuple[Backend, "Model"]


class Unify(StrEnum):
    """What makes models of several backends one."""

    PROOF = "proof"  # the name, and proofs of the weights
    NAMES = "names"  # the name alone


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What one backend, or all together, say about a model.

    `id` is the name clients use. `native` is the engine's own name where it differs, else empty.
    `context_length` is in tokens, None when unknown. `also` are other names the engine takes for
    it. `weights` says which weights these are, if that is proven (`dialects.weights`), else empty.
    `parent` is the model this one is an adapter of. `extra` is what else the engine lists.
    """

    id: str
    native: str = ""
    context_length: int | None = None
    owned_by: str = ""
    created: int = 0
    also: tuple[str, ...] = ()
    weights: str = ""
    parent: str = ""
    capabilities: tuple[str, ...] = ()
    extra: Mapping[str, object] = MappingProxyType({})


class Target:
    """A model and the backends that serve it, in order of priority.

    `native` maps a backend's name to the name that backend itself has for the model.
    """

    __slots__ = ("candidates", "model", "native")

    def __init__(
        self, model: Model, candidates: tuple[Backend, ...], native: Mapping[str, str]
    ) -> None:
        self.model = model
        self.candidates = candidates
        self.native = native

    def same_as(self, other: "Target") -> bool:
        """Tell whether both describe the same model at the same backends."""
        return (
            self.model == other.model
            and self.candidates == other.candidates
            and self.native == other.native
        )

    @override
    def __repr__(self) -> str:
        """Show the model and where it is."""
        return f"<Target {self.model.id!r} at {', '.join(b.name for b in self.candidates)}>"


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """What changed between two catalogs: names clients may use, and backends."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    backends_added: tuple[Backend, ...] = ()
    backends_removed: tuple[Backend, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything changed."""
        return any(msgspec.structs.astuple(self))


class Catalog:
    """A snapshot of names and who serves them. Made by `build`; never changed afterwards.

    `targets` are all models, `split` the names under which backends serve different weights.
    """

    __slots__ = ("_by_name", "_listing", "_names", "_of", "aliases", "backends", "split", "targets")

    def __init__(
        self,
        models: Mapping[str, tuple[Target, ...]],
        implied: Mapping[str, tuple[Target, ...]],
        aliases: Mapping[str, tuple[str, ...]],
        backends: tuple[Backend, ...],
    ) -> None:
        self.aliases: Mapping[str, tuple[str, ...]] = MappingProxyType(dict(aliases))
        self.backends = backends
        self.split = tuple(name for name, targets in models.items() if len(targets) > 1)
        self.targets = tuple(target for targets in models.values() for target in targets)
        self._of = _by_backend(self.targets)
        wanted = {name: (name,) for name in models} | dict(aliases)
        behind = {
            name: tuple(t for each in _meant(wanted[name], models) for t in models[each])
            for name in sorted(wanted)
        }
        listed = {name: targets for name, targets in behind.items() if targets}
        self._names = tuple(listed)
        self._by_name = {n: t for n, t in implied.items() if n not in wanted} | listed
        self._listing = tuple(
            msgspec.structs.replace(found[0].model, id=name) for name, found in listed.items()
        )

    def resolve(self, name: str) -> tuple[Target, ...]:
        """Return the targets behind `name`, best first; empty if no backend is known to serve it.

        A model is one target, or one for each of its weights; an alias has those of each of its
        models that some backend serves. Names that an engine takes besides those it lists resolve
        too.
        """
        return self._by_name.get(name, ())

    def names(self) -> tuple[str, ...]:
        """Return every name that is listed, sorted."""
        return self._names

    def listing(self) -> tuple[Model, ...]:
        """Return a model for every name that is listed, sorted; an alias looks like its first."""
        return self._listing

    def targets_of(self, backend: Backend) -> tuple[Target, ...]:
        """Return the models that `backend` serves."""
        return self._of.get(backend, ())

    @override
    def __repr__(self) -> str:
        """Show the size."""
        return f"<Catalog {len(self._names)} names, {len(self.backends)} backends>"


def build(
    models: Mapping[Backend, Sequence[Model]],
    aliases: Mapping[str, Sequence[str]],
    unify: Unify = Unify.PROOF,
) -> Catalog:
    """Build a catalog from what each backend serves; the order of `models` breaks ties.

    An alias hides a model of the same name, may list it, and never refers to another alias; `*` and
    `?` in what it lists stand for any letters, for one. Of what several backends say about one
    model, the shortest known context and the first owner hold.
    """
    serving: dict[str, list[Entry]] = {}
    implied: dict[str, list[Entry]] = {}
    proven: dict[str, list[Entry]] = {}
    for backend in sorted(models, key=_priority):
        for name, model in {model.id: model for model in models[backend]}.items():
            serving.setdefault(name, []).append((backend, model))
            for other in model.also:
                implied.setdefault(other, []).append((backend, model))
            if model.weights:
                proven.setdefault(model.weights, []).append((backend, model))
    if unify is Unify.NAMES:
        proven = {}
    return Catalog(
        {name: _targets(name, found, proven, unify) for name, found in serving.items()},
        {name: _targets(name, found, proven, unify) for name, found in implied.items()},
        {alias: tuple(wanted) for alias, wanted in aliases.items()},
        tuple(models),
    )


def chosen(
    models: Sequence[Model], include: Sequence[str], exclude: Sequence[str]
) -> tuple[Model, ...]:
    """Return the models whose names match a pattern of `include` (none = all) and no `exclude`."""
    return tuple(
        model
        for model in models
        if (not include or any(matches(pattern, model.id) for pattern in include))
        and not any(matches(pattern, model.id) for pattern in exclude)
    )


def with_peers(catalog: Catalog) -> set[Backend]:
    """Return the backends that share a model with another of their priority."""
    found: set[Backend] = set()
    for target in catalog.targets:
        tiers = Counter(each.priority for each in target.candidates)
        found |= {each for each in target.candidates if tiers[each.priority] > 1}
    return found


def matches(pattern: str, name: str) -> bool:
    """Tell whether `name` is as `pattern` says: `*` is any letters, `?` one, the rest itself."""
    return _compiled(pattern).fullmatch(name) is not None


def is_pattern(text: str) -> bool:
    """Tell whether `text` stands for more than itself."""
    return "*" in text or "?" in text


def contradict(one: str, other: str) -> bool:
    """Tell whether two proofs show different weights: both are content hashes, and they differ.

    Other proofs may differ and still be what an operator calls one model, a quantised copy for
    instance: the name they share is then the operator's word.
    """
    return one != other and one.startswith(_HASH) and other.startswith(_HASH)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)


def _meant(wanted: Sequence[str], models: Mapping[str, object]) -> Iterable[str]:
    """Yield the models an alias lists, each once, patterns in alphabetical order."""
    found: dict[str, None] = {}
    for each in wanted:
        if each in models:
            found[each] = None
        elif is_pattern(each):
            found |= dict.fromkeys(sorted(name for name in models if matches(each, name)))
    return found


def _by_backend(targets: Iterable[Target]) -> Mapping[Backend, tuple[Target, ...]]:
    """Return what each backend serves: with hundreds of them, nobody can go through all to ask."""
    found: dict[Backend, list[Target]] = {}
    for target in targets:
        for backend in target.candidates:
            found.setdefault(backend, []).append(target)
    return {backend: tuple(served) for backend, served in found.items()}


def _priority(backend: Backend) -> int:
    return backend.priority


def _targets(
    name: str, found: Sequence[Entry], proven: Mapping[str, Sequence[Entry]], unify: Unify
) -> tuple[Target, ...]:
    """Return a target for each of the weights served under one name, and who else has them."""
    groups: list[list[Entry]] = []
    for entry in found:
        for group in groups:
            if unify is Unify.NAMES or not any(
                contradict(entry[1].weights, model.weights) for _, model in group
            ):
                group.append(entry)
                break
        else:
            groups.append([entry])
    taken = {backend for backend, _ in found}
    for group in groups:
        for proof in dict.fromkeys(model.weights for _, model in group):
            for backend, model in proven.get(proof, ()):
                if backend not in taken:
                    taken.add(backend)
                    group.append((backend, model))
        group.sort(key=lambda entry: entry[0].priority)
    return tuple(_target(name, group) for group in groups)


def _target(name: str, found: Sequence[Entry]) -> Target:
    first = next((m for _, m in found if m.id == name), found[0][1])
    model = msgspec.structs.replace(
        first,
        id=name,
        native="",
        context_length=min((m.context_length for _, m in found if m.context_length), default=None),
        owned_by=next((m.owned_by for _, m in found if m.owned_by), ""),
        created=next((m.created for _, m in found if m.created), 0),
    )
    native = {backend.name: m.native or m.id for backend, m in found}
    return Target(model, tuple(backend for backend, _ in found), MappingProxyType(native))


def diff(old: Catalog, new: Catalog) -> Diff:
    """Return what `new` has, lacks or says otherwise compared with `old`."""
    before, after = set(old.names()), set(new.names())
    return Diff(
        added=tuple(sorted(after - before)),
        removed=tuple(sorted(before - after)),
        changed=tuple(
            name
            for name in sorted(before & after)
            if not _same(old.resolve(name), new.resolve(name))
        ),
        backends_added=_missing(new.backends, old.backends),
        backends_removed=_missing(old.backends, new.backends),
    )


def _same(old: Sequence[Target], new: Sequence[Target]) -> bool:
    return len(old) == len(new) and all(a.same_as(b) for a, b in zip(old, new, strict=True))


def _missing(these: Iterable[Backend], those: Sequence[Backend]) -> tuple[Backend, ...]:
    known = frozenset(those)
    return tuple(backend for backend in these if backend not in known)


class Directory:
    """Holds the catalog in force. Readers take `current` once per request."""

    __slots__ = ("current",)

    def __init__(self) -> None:
        self.current = build({}, {})

    def swap(self, new: Catalog) -> Diff:
        """Put `new` in force and return what changed.

        From then on a low success rate takes at most half of a model's backends out of use: a fault
        that looks the same everywhere (a bad prompt, an overload) must not empty the tier.
        """
        old, self.current = self.current, new
        for backend in new.backends:
            backend.breaker.may_trip_softly = partial(self._may_lose, backend)
        return diff(old, new)

    def _may_lose(self, backend: Backend) -> bool:
        return all(
            1 + sum(_out(b) for b in target.candidates if b is not backend)
            <= OPEN_SHARE * len(target.candidates)
            for target in self.current.targets_of(backend)
        )


def _out(backend: Backend) -> bool:
    return not (backend.breaker.closed and backend.health.ready)
