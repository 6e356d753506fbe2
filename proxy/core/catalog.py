"""Which models exist, and which backends serve each of them.

Theory. A catalog is a snapshot: built whole, never changed, replaced by swapping one reference. A
request resolves its model once and keeps what it got, so a reload cannot pull the ground from under
it. Everything a request could ask for is worked out when the catalog is built; resolving is one
dictionary lookup. Names match exactly: guessing what a client meant sends prompts to wrong models.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import msgspec
from typing_extensions import override

from proxy.core.backend import Backend

OPEN_SHARE = 0.5  # of a model's backends that a low success rate alone may take out of use


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What one backend, or all together, say about a model.

    `id` is the name clients use. `native` is the engine's own name where it differs, else empty.
    `context_length` is in tokens, None when unknown. `extra` is what else the engine lists.
    """

    id: str
    native: str = ""
    context_length: int | None = None
    owned_by: str = ""
    created: int = 0
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
    """A snapshot of names and who serves them. Made by `build`; never changed afterwards."""

    __slots__ = ("_listing", "_models", "_targets", "aliases", "backends")

    def __init__(
        self,
        models: Mapping[str, Target],
        aliases: Mapping[str, tuple[str, ...]],
        backends: tuple[Backend, ...],
    ) -> None:
        self.aliases: Mapping[str, tuple[str, ...]] = MappingProxyType(dict(aliases))
        self.backends = backends
        self._models = dict(models)
        wanted = {name: (name,) for name in models} | dict(aliases)
        behind = {
            name: tuple(models[each] for each in dict.fromkeys(wanted[name]) if each in models)
            for name in sorted(wanted)
        }
        self._targets = {name: targets for name, targets in behind.items() if targets}
        self._listing = tuple(
            msgspec.structs.replace(found[0].model, id=name)
            for name, found in self._targets.items()
        )

    def resolve(self, name: str) -> tuple[Target, ...]:
        """Return the targets behind `name`, best first; empty if no backend is known to serve it.

        A model is one target; an alias is one for each of its models that some backend serves.
        """
        return self._targets.get(name, ())

    def names(self) -> tuple[str, ...]:
        """Return every name that resolves, sorted."""
        return tuple(self._targets)

    def listing(self) -> tuple[Model, ...]:
        """Return a model for every name that resolves, sorted; an alias looks like its first."""
        return self._listing

    def targets_of(self, backend: Backend) -> tuple[Target, ...]:
        """Return the models that `backend` serves."""
        return tuple(t for t in self._models.values() if backend in t.candidates)

    @override
    def __repr__(self) -> str:
        """Show the size."""
        return f"<Catalog {len(self._targets)} names, {len(self.backends)} backends>"


def build(
    models: Mapping[Backend, Sequence[Model]], aliases: Mapping[str, Sequence[str]]
) -> Catalog:
    """Build a catalog from what each backend serves; the order of `models` breaks ties.

    An alias hides a model of the same name, may list it, and never refers to another alias. Of
    what several backends say about one model, the shortest known context and the first owner hold.
    """
    serving: dict[str, list[tuple[Backend, Model]]] = {}
    for backend in sorted(models, key=lambda b: b.priority):
        for name, model in {model.id: model for model in models[backend]}.items():
            serving.setdefault(name, []).append((backend, model))
    return Catalog(
        {name: _target(found) for name, found in serving.items()},
        {alias: tuple(wanted) for alias, wanted in aliases.items()},
        tuple(models),
    )


def _target(found: Sequence[tuple[Backend, Model]]) -> Target:
    first = found[0][1]
    model = msgspec.structs.replace(
        first,
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
    return tuple(backend for backend in these if backend not in those)


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
