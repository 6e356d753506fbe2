"""A request that names no model: it means the only one there is, or it is refused with the names.

Clients of an engine with one model may leave `model` out: llama-server's `/tokenize` and OpenAI's
moderations are called so. Older clients of Ollama's `/api/show` call it `name`, as Ollama still
reads it. The name is put into the body, so that whatever looks at it later, here or in an engine,
finds it.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from proxy.core.failure import Failure
from proxy.core.peek import NO_MODEL
from proxy.flow import scope

if TYPE_CHECKING:
    from proxy.flow.course import Course, Request

_SHOWN: Final = 10  # names told to a client that must choose
_GAP: Final = b" \t\r\n"


class _Called(msgspec.Struct):
    name: str = ""


_CALLED: Final = msgspec.json.Decoder(_Called)


def supply(
    course: "Course", request: "Request", body: bytes, failure: Failure
) -> "bytes | Failure":
    """Return `body` with the model it can only mean, or why there is none.

    `failure` is what reading the body gave; it comes back unless all that is wrong is a missing
    `model`.
    """
    if failure.detail != NO_MODEL or not request.operation.json:
        return failure
    if request.operation.name == "ollama_show" and (called := _called(body)):
        return _named(body, called)
    within = scope.named(course, request.scope, request.pin)
    if isinstance(within, Failure):
        return within
    catalog = course.directory.current
    names = sorted({t.model.id for backend in within for t in catalog.targets_of(backend)})
    if len(names) == 1:
        return _named(body, names[0])
    if not names:
        return failure
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return msgspec.structs.replace(failure, detail=f"{NO_MODEL}; there are {shown}")


def _called(body: bytes) -> str:
    try:
        return _CALLED.decode(body).name
    except msgspec.ValidationError:  # it is JSON, or something else would be wrong with it
        return ""


def _named(body: bytes, model: str) -> bytes:
    rest = body.lstrip(_GAP)[1:]
    comma = b"" if rest.lstrip(_GAP).startswith(b"}") else b","
    return b'{"model":' + msgspec.json.encode(model) + comma + rest
