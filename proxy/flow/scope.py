"""Scoped routes: `/to/{backend or engine type}/...` leaves a request these backends and no others.

It fails closed. A scope is compared as it was sent, letter by letter, with the names there are:
nothing is decoded, so no spelling of a path leads out of one. A name of a backend goes before an
engine type of the same name. What stands behind the scope is judged as any other path.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.registry import ENGINES
from proxy.flow.choice import SOONEST

if TYPE_CHECKING:
    from proxy.core.backend import Backend
    from proxy.core.catalog import Model
    from proxy.flow.course import Course

PREFIX: Final = "/to/"
_SHOWN: Final = 20  # scopes listed to a client that asked for another one


def split(path: str) -> tuple[str | None, str]:
    """Return the scope of a path and what stands behind it; None and the path if it has none."""
    if not path.startswith(PREFIX):
        return None, path
    scope, slash, rest = path[len(PREFIX) :].partition("/")
    return scope, slash + rest


def members(course: "Course", scope: str) -> "frozenset[Backend] | Failure":
    """Return the backends of a scope, or why it has none."""
    backends = tuple(course.sides)
    found = [backend for backend in backends if backend.name == scope]
    found = found or [backend for backend in backends if scope and backend.kind == scope]
    if found:
        return frozenset(found)
    silent = [backend.name for backend in backends if not backend.kind]
    if scope in ENGINES and silent:
        # One of them may turn out to be of this type, and a 404 is not repeated.
        detail = f"no backend is known to be {scope}, but some have not been recognised yet"
        return Failure(
            kind=Kind.NO_BACKEND,
            origin=Origin.PROXY,
            phase=Phase.QUEUE,
            detail=f"{detail}: {', '.join(silent[:_SHOWN])}",
            retry_after=SOONEST,
        )
    return Failure(
        kind=Kind.UNKNOWN_SCOPE,
        origin=Origin.CLIENT,
        phase=Phase.READ,
        detail=f"there is no backend and no engine type {scope[:100]!r} here, but {_all(backends)}",
    )


def named(course: "Course", scope: str | None, pin: str | None) -> "frozenset[Backend] | Failure":
    """Return the backends that both the path and `x-headrace-backend` allow; None = all."""
    allowed = frozenset(course.sides) if scope is None else members(course, scope)
    if isinstance(allowed, Failure) or pin is None or pin == scope:
        return allowed
    return frozenset(backend for backend in allowed if backend.name == pin)


def listing(course: "Course", scope: str | None) -> "Sequence[Model] | Failure":
    """Return the models that a scope serves, in order of their names; of None, all."""
    catalog = course.directory.current
    if scope is None:
        return catalog.listing()
    allowed = members(course, scope)
    if isinstance(allowed, Failure):
        return allowed
    return [
        model
        for model in catalog.listing()
        if any(allowed.intersection(target.candidates) for target in catalog.resolve(model.id))
    ]


def names(course: "Course", scope: str | None) -> Sequence[str]:
    """Return the names of these models; none of a scope there is not."""
    if scope is None:
        return course.directory.current.names()
    found = listing(course, scope)
    return () if isinstance(found, Failure) else tuple(model.id for model in found)


def _all(backends: "Sequence[Backend]") -> str:
    known = sorted({b.name for b in backends}) + sorted({b.kind for b in backends if b.kind})
    known = list(dict.fromkeys(known))
    more = len(known) - _SHOWN
    return ", ".join(known[:_SHOWN]) + (f" and {more} more" if more > 0 else "") or "none at all"
