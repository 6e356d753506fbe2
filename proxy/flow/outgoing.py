"""The request as an engine gets it: its own head and length, the client's body byte for byte.

Only `model` is spliced, and only when the engine knows the model by another name.
"""

from typing import TYPE_CHECKING, Final

from proxy.core import peek

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.core.patched import Patched
    from proxy.flow.course import Request
    from proxy.flow.ways import Way
    from proxy.upstream.pool import Pool

_HEAD: Final = b"%b%bcontent-length: %d\r\n%bx-request-id: %b\r\n\r\n"


def engine_request(
    call: "Call", request: "Request", way: "Way", pool: "Pool"
) -> "tuple[bytes, bytes | Patched]":
    """Return head and body; what of the head belongs to the backend comes from its `pool`."""
    body: bytes | Patched = call.body
    if call.native_model != call.model:
        json, place = request.operation.json, request.model_at
        body = peek.renamed(call.body, call.native_model, json=json, place=place)
    return head_for(call, way.line, way, pool, body), body


def head_for(call: "Call", line: bytes, way: "Way", pool: "Pool", body: "bytes | Patched") -> bytes:
    """Return the head of a request with another line and body than the client's."""
    if pool.below:
        line = placed(line, pool.below)
    return _HEAD % (line, pool.prefix, len(body), way.fields, call.request_id.encode())


def placed(line: bytes, below: bytes) -> bytes:
    """Return a request line whose path stands below another."""
    method, _, rest = line.partition(b" ")
    return b"%b %b%b" % (method, below, rest)
