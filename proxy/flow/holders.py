"""Which backends a passage may go to: those that have it, and only one of them can mean it.

A file, a batch or a stored answer lives at the engine that made it. So the request must say which,
by its path or by a header, unless only one backend has such things at all. A WebSocket that names
its model is the exception: any backend that serves it will do.
"""

from typing import TYPE_CHECKING

import msgspec

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.flow import scope
from proxy.flow.choice import SOONEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.backend import Backend
    from proxy.core.catalog import Target
    from proxy.dialects.passages import Passage
    from proxy.flow.course import Course, Request


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A backend that may be asked, and its own name for the model, if the request names one."""

    backend: "Backend"
    native: str = ""


def holders(
    course: "Course", passage: "Passage", request: "Request", model: str = ""
) -> tuple[Holder, ...] | Failure:
    """Return who may be asked, best first; one alone unless `model` is given."""
    allowed = scope.named(course, request.scope, request.pin)
    if isinstance(allowed, Failure):
        return allowed
    able = [b for b in allowed if passage.surface in course.sides[b].engine.profile.passes]
    if not able:
        return _nobody(passage, request)
    if model:
        return _serving(course, able, model)
    if len(able) > 1:
        names = ", ".join(sorted(backend.name for backend in able))
        return _refused(Kind.UNNAMED_BACKEND, f"several backends have {passage.name}: {names}")
    return (Holder(backend=able[0]),)


def unavailable(passage: "Passage", asked: "Sequence[Holder]") -> Failure:
    """Return the failure of a request when none of those that could be asked is there."""
    names = ", ".join(holder.backend.name for holder in asked[:20])
    return Failure(
        kind=Kind.NO_BACKEND,
        origin=Origin.PROXY,
        phase=Phase.QUEUE,
        detail=f"not available, or full: {names}; nobody else may be asked for {passage.name}",
        retry_after=SOONEST,
    )


def _serving(course: "Course", able: "list[Backend]", model: str) -> tuple[Holder, ...] | Failure:
    targets: tuple[Target, ...] = course.directory.current.resolve(model)
    found = tuple(
        Holder(backend=backend, native=target.native[backend.name])
        for target in targets
        for backend in target.candidates
        if backend in able
    )
    return found or _refused(Kind.UNKNOWN_MODEL, f"there is no model {model[:200]!r} here")


def _nobody(passage: "Passage", request: "Request") -> Failure:
    where = request.pin if request.scope is None or request.pin != request.scope else request.scope
    whose = "no backend here" if where is None else f"the backend or scope {where[:100]!r}"
    verb = "has" if where is None else "does not have"
    return _refused(Kind.UNKNOWN_PATH, f"{whose} {verb} {passage.name} ({passage.path})")


def _refused(kind: Kind, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
