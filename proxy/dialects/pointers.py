"""JSON pointers into documents that engines send, and the judging of whole replies by them.

A pointer is written as in RFC 6901, with `*` for every element of a list or object. Nothing here
raises: what is not there is not there, whatever the document holds.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, ValuesView
from typing import Final

import orjson

from proxy.dialects.base import Reply
from proxy.dialects.models import status_reason
from proxy.dialects.profile import Expect, Type

_ABSENT: Final = object()


def parsed(reply: Reply) -> object:
    """Return the JSON document in the body; None if it is no JSON."""
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None


def at(document: object, pointer: str) -> Iterator[object]:
    """Yield every value a pointer leads to; more than one only if it has a `*`."""
    yield from _walk(document, pointer.split("/")[1:])


def first(document: object, pointers: Sequence[str]) -> object:
    """Return the first value that is not null at the first pointer that has one, else None."""
    for pointer in pointers:
        for value in at(document, pointer):
            if value is not None:
                return value
    return None


def total(document: object, pointers: Sequence[str]) -> float | None:
    """Return the sum at the first pointer that leads to numbers; `true` counts 1."""
    for pointer in pointers:
        found = [float(v) for v in at(document, pointer) if isinstance(v, bool | int | float)]
        if found:
            return sum(found)
    return None


def highest(document: object, pointers: Sequence[str]) -> float | None:
    """Return the highest number at the first pointer that leads to numbers."""
    for pointer in pointers:
        found = [float(v) for v in at(document, pointer) if isinstance(v, int | float)]
        if found:
            return max(found)
    return None


def judge(expect: Expect, reply: Reply) -> str:
    """Return "" if a reply is as expected, else a plain reason."""
    if reply.status not in expect.status:
        return status_reason(reply) or f"status {reply.status}"
    problem = expect.problem or "the answer is not this engine's"
    if expect.text and reply.body.strip() != expect.text.encode():
        return problem
    if not (expect.equal or expect.match or expect.has or expect.lacks):
        return ""
    if expect.empty and not reply.body.strip():
        return ""
    return "" if _holds(expect, parsed(reply)) else problem


def equal(document: object, wanted: Mapping[str, str | int | bool]) -> bool:
    """Tell whether every pointer leads to exactly the value wanted, of the same type."""
    return all(
        type(found := _one(document, pointer)) is type(value) and found == value
        for pointer, value in wanted.items()
    )


def _holds(expect: Expect, document: object) -> bool:
    return (
        equal(document, expect.equal)
        and all(
            isinstance(found := _one(document, pointer), str) and bool(re.match(pattern, found))
            for pointer, pattern in expect.match.items()
        )
        and all(_is(_one(document, pointer), kind) for pointer, kind in expect.has.items())
        and all(_one(document, pointer) is _ABSENT for pointer in expect.lacks)
    )


def _is(value: object, kind: Type) -> bool:
    match kind:
        case Type.STRING:
            return isinstance(value, str)
        case Type.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Type.BOOLEAN:
            return isinstance(value, bool)
        case Type.OBJECT:
            return isinstance(value, dict)
        case Type.LIST:
            return isinstance(value, list)
        case Type.PRESENT:
            return value is not _ABSENT


def _one(document: object, pointer: str) -> object:
    return next(at(document, pointer), _ABSENT)


def _walk(value: object, steps: list[str]) -> Iterator[object]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step == "*":
        below = value.values() if isinstance(value, dict) else value
        for item in below if isinstance(below, list | ValuesView) else ():
            yield from _walk(item, rest)
    elif isinstance(value, dict):
        name = step.replace("~1", "/").replace("~0", "~")
        if name in value:
            yield from _walk(value[name], rest)
    elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        yield from _walk(value[int(step)], rest)
