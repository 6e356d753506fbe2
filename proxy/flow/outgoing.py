"""The request as an engine gets it: its own head and length, the client's body byte for byte.

Only `model` is spliced, and only when the engine knows the model by another name.
"""

from typing import TYPE_CHECKING

from proxy.core import peek

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.dialects.base import Engine
    from proxy.flow.course import Request


def engine_request(
    call: "Call", request: "Request", engine: "Engine", prefix: bytes
) -> tuple[bytes, bytes]:
    """Return head and body. `prefix` holds the header lines that belong to the backend."""
    body = call.body
    if call.native_model != call.model:
        body = peek.rename(body, call.native_model, json=request.operation.json)
    head = b"%b%bcontent-length: %d\r\n%bx-request-id: %b\r\n\r\n" % (
        request.line,
        prefix,
        len(body),
        request.fields_for(engine),
        call.request_id.encode(),
    )
    return head, body
