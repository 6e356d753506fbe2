"""A failure becomes an answer here, and nowhere else.

An engine's own error body is passed on with its status: it says best what was wrong. If its shape
is not that of the caller's dialect, its words are put into that; everything else is told there too,
with a code, the request id and what to do.
"""

import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from proxy.core.failure import Failure, Kind
from proxy.dialects.errors import status_of, unknown_model_hint
from proxy.dialects.openai_api import engine_error, error_body
from proxy.flow.commit import CLOSE, own_fields
from proxy.flow.guard import challenged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.call import Call

RETRY_AFTER: Final = 5  # seconds, where nobody knows better
CHALLENGE: Final = b'www-authenticate: Bearer realm="headrace"\r\n'  # RFC 9110 wants one
_WAIT: Final = frozenset({429, 503})
_REASONS: Final = {status.value: status.phrase.encode() for status in HTTPStatus}


def answer(call: "Call", failure: Failure, *, close: bool, names: "Sequence[str]" = ()) -> bytes:
    """Render the whole answer and note its status in the call.

    `names` are the models there are, for a client that asked for an unknown one.
    """
    status = call.status = status_of(failure)
    if failure.kind is Kind.STATUS and failure.body is not None:
        body = engine_error(call.surface, failure, call.request_id)
        kind = failure.content_type if body is failure.body else None
    else:
        hint = unknown_model_hint(call.model, names) if failure.kind is Kind.UNKNOWN_MODEL else ""
        body, kind = error_body(call.surface, failure, call.request_id, hint), None
    call.bytes_out = len(body)
    return b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b%b%b%b%b%b" % (
        status,
        _REASONS.get(status, b""),
        kind or b"application/json",
        len(body),
        _retry_after(failure, status),
        b"allow: POST\r\n" if status == 405 else b"",
        CHALLENGE if status == 401 and challenged(failure) else b"",
        CLOSE if close else b"",
        own_fields(call),
        body if call.method != "HEAD" else b"",
    )


def _retry_after(failure: Failure, status: int) -> bytes:
    if status not in _WAIT:
        return b""
    # A little randomness: clients refused together should not come back together.
    seconds = failure.retry_after if failure.retry_after is not None else RETRY_AFTER
    return b"retry-after: %d\r\n" % max(1, round(seconds * (1.0 + random.random() * 0.3)))
