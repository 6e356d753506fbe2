"""Errors an engine reports inside an answer whose status says 200.

Overloaded vLLM and SGLang do it in the first event, every engine does it when it fails half-way.
The shapes differ: an `error` object (OpenAI, Anthropic, vLLM), a bare string (Ollama, TGI), a flat
object that calls itself an error (SGLang, Responses), a failed response (Responses).
"""

from typing import Any, Final

import msgspec

from proxy.core.decoding import DECODE_ERRORS

# What engines call it when they give no number.
_STATUS_OF: Final = {
    "api_error": 500,
    "authentication_error": 401,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "generation": 424,
    "incomplete_generation": 500,
    "insufficient_quota": 429,
    "internal_error": 500,
    "internal_server_error": 500,
    "internalservererror": 500,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "not_supported_error": 501,
    "overloaded": 429,
    "overloaded_error": 503,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "request_too_large": 413,
    "server_error": 500,
    "service_unavailable": 503,
    "timeout_error": 504,
    "unavailable_error": 503,
    "validation": 422,
}
_MESSAGE: Final = 500  # characters of an engine's message that are kept


class ErrorEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An error an engine reported inside an answer: HTTP status if it says one, and its words."""

    status: int | None
    message: str


class _Inner(msgspec.Struct):
    error: Any = None


class _Envelope(msgspec.Struct):
    error: Any = None
    response: _Inner | None = None
    type: Any = None
    object: Any = None
    error_type: Any = None
    code: Any = None
    status: Any = None
    status_code: Any = None
    message: Any = None


_decode: Final = msgspec.json.Decoder(_Envelope).decode


def is_error(payload: bytes, name: bytes = b"") -> ErrorEvent | None:
    """Return the error that an event's payload reports, or None for anything else.

    `name` is the event's name, if it had one. Never raises. Costs a search for one word unless the
    payload has a key or value `error`.
    """
    named = name == b"error"
    if b'"error"' not in payload and not named:
        return None
    try:
        envelope = _decode(payload)
    except DECODE_ERRORS:
        if not named:
            return None
        return ErrorEvent(status=None, message=payload.decode("utf-8", "replace")[:_MESSAGE])
    found = envelope.error or (envelope.response.error if envelope.response else None)
    if not found and not named and "error" not in (envelope.type, envelope.object):
        return None
    outer = msgspec.structs.asdict(envelope)
    inner = found if isinstance(found, dict) else {"message": found}
    return ErrorEvent(status=_status(inner) or _status(outer), message=_message(inner, outer))


def _status(error: dict[Any, Any]) -> int | None:
    for key in ("code", "status", "status_code", "type", "error_type"):
        value = error.get(key)
        if isinstance(value, str):
            value = int(value) if value.isdecimal() else _STATUS_OF.get(_word(value))
        if isinstance(value, int) and 400 <= value <= 599:
            return value
    return None


def _word(value: str) -> str:
    return value.lower().replace(" ", "_")


def _message(inner: dict[Any, Any], outer: dict[Any, Any]) -> str:
    for value in (inner.get("message"), outer["message"], inner.get("type"), outer["error_type"]):
        if value and isinstance(value, str):
            return value[:_MESSAGE]
    return "no message"
