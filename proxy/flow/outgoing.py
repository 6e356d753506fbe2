"""The request as an engine gets it: its own head and length, the client's body byte for byte.

Only `model` is spliced, and only when the engine knows the model by another name.
"""

from typing import TYPE_CHECKING, Final

from proxy.core import peek

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.flow.course import Request
    from proxy.flow.ways import Way

_HEAD: Final = b"%b%bcontent-length: %d\r\n%bx-request-id: %b\r\n\r\n"


def engine_request(
    call: "Call", request: "Request", way: "Way", prefix: bytes
) -> tuple[bytes, bytes]:
    """Return head and body. `prefix` holds the header lines that belong to the backend."""
    body = call.body
    if call.native_model != call.model:
        json, place = request.operation.json, request.model_at
        body = peek.rename(body, call.native_model, json=json, place=place)
    return _HEAD % (way.line, prefix, len(body), way.fields, call.request_id.encode()), body


def head_for(call: "Call", line: bytes, way: "Way", prefix: bytes, body: bytes) -> bytes:
    """Return the head of a request with another line and body than the client's."""
    return _HEAD % (line, prefix, len(body), way.fields, call.request_id.encode())
