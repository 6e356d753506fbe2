"""Which of a model's backends a call may be sent to, or why there is none.

Most calls are not asked: every kind of engine takes a chat of usual size.
"""

from typing import TYPE_CHECKING

from proxy.core.catalog import Target
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.translate import asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.backend import Backend
    from proxy.core.call import Call
    from proxy.flow.course import Course

Targets = tuple[Target, ...]


def narrowed(course: "Course", call: "Call", targets: Targets) -> Targets | Failure:
    """Leave out backends that cannot take this call."""
    named = call.model[:200]
    able = kept(targets, lambda backend: _has(course, call, backend))
    if not _any(able):
        where = "" if call.pin is None else f" at {call.pin[:100]!r}"
        detail = f"no engine{where} that serves {named!r} has {call.path}"
        return _refused(Kind.UNKNOWN_PATH, detail)
    fitting = kept(able, lambda backend: _fits(course, call, backend))
    if not _any(fitting):
        most = max(_limit(course, b) for target in able for b in target.candidates)
        detail = f"the request has {call.body_size} bytes; engines that serve {named!r} take {most}"
        return _refused(Kind.TOO_LARGE, detail)
    return fitting


def within(targets: Targets, allowed: "frozenset[Backend]") -> Targets:
    """Leave out the backends a client did not insist on."""
    return kept(targets, allowed.__contains__)


def kept(targets: Targets, wanted: "Callable[[Backend], bool]") -> Targets:
    """Leave out backends that are not wanted."""
    return tuple(
        Target(target.model, tuple(filter(wanted, target.candidates)), target.native)
        for target in targets
    )


def without_missing(course: "Course", targets: Targets) -> Targets:
    """Leave out backends that have just denied to have the model, unless all of them have."""
    now = course.now()
    for key in [key for key, until in course.missing.items() if until <= now]:
        del course.missing[key]
    missing = course.missing
    left = tuple(
        Target(
            target.model,
            tuple(b for b in target.candidates if (b, target.native[b.name]) not in missing),
            target.native,
        )
        for target in targets
    )
    return left if _any(left) else targets


def _has(course: "Course", call: "Call", backend: "Backend") -> bool:
    side = course.sides[backend]
    return side.speaks(call.path) or asking.reachable(call.path, side.engine)


def _fits(course: "Course", call: "Call", backend: "Backend") -> bool:
    limit = _limit(course, backend)
    return not limit or call.body_size <= limit


def _limit(course: "Course", backend: "Backend") -> int:
    return course.sides[backend].engine.max_body


def _any(targets: Targets) -> bool:
    return any(target.candidates for target in targets)


def _refused(kind: Kind, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
