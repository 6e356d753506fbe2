"""Failures in a client's words: status, type, what to do, and unknown-model suggestions.

The tables are keyed by `Kind`, so every surface tells the same story; `openai_api` and its siblings
only shape it.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import orjson

from proxy.core.failure import Failure, Kind

MAX_NAMES = 20  # model names shown to a client that asked for an unknown one
MAX_COMPARED = 64  # names compared with the unknown one
MAX_LETTERS = 48  # characters of each that are looked at

_STATUS: Mapping[Kind, int] = MappingProxyType(
    {
        Kind.BAD_REQUEST: 400,
        Kind.BAD_JSON: 400,
        Kind.TOO_LARGE: 413,
        Kind.HEAD_TOO_LARGE: 431,
        Kind.UNSUPPORTED_CODING: 415,
        Kind.REQUEST_TIMEOUT: 408,
        Kind.UNKNOWN_MODEL: 404,
        Kind.UNKNOWN_PATH: 404,
        Kind.UNKNOWN_BACKEND: 404,
        Kind.UNKNOWN_SCOPE: 404,
        Kind.UNNAMED_BACKEND: 400,
        Kind.DISABLED: 403,
        Kind.NO_KEY: 401,
        Kind.BAD_KEY: 401,
        Kind.OLD_KEY: 401,
        Kind.FORBIDDEN_MODEL: 403,
        Kind.FORBIDDEN: 403,
        Kind.RATE_LIMITED: 429,
        Kind.BUDGET_SPENT: 429,
        Kind.METHOD: 405,
        Kind.LOOP: 508,
        Kind.CLIENT_GONE: 499,
        Kind.SLOW_READER: 499,
        Kind.QUEUE_FULL: 503,
        Kind.QUEUE_TIMEOUT: 503,
        Kind.NO_BACKEND: 503,
        Kind.DRAINING: 503,
        Kind.SHEDDING: 503,
        Kind.LIMITS_AWAY: 503,
        Kind.INTERNAL: 500,
        Kind.CONNECT_REFUSED: 502,
        Kind.CONNECT_TIMEOUT: 504,
        Kind.CONNECT_FAILED: 502,
        Kind.CONNECT_TLS: 502,
        Kind.FOREIGN: 403,
        Kind.CLOSED: 502,
        Kind.STATUS: 502,
        Kind.BAD_RESPONSE: 502,
        Kind.ERROR_EVENT: 502,
        Kind.TRUNCATED: 502,
        Kind.FIRST_TOKEN_TIMEOUT: 504,
        Kind.IDLE_TIMEOUT: 504,
        Kind.TOTAL_TIMEOUT: 504,
    }
)

_RETRY = "Send the request again."
_LOOK = "Send it again; if it stays so, look at the engine's log and at /status."

_HINTS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.BAD_REQUEST: "Correct the request and send it again.",
        Kind.BAD_JSON: "Send one JSON object as the body, in UTF-8.",
        Kind.TOO_LARGE: "Shorten the request; the limit on its size is limits.body.",
        Kind.HEAD_TOO_LARGE: "Send fewer or shorter header fields.",
        Kind.UNSUPPORTED_CODING: "Send the body without Content-Encoding.",
        Kind.REQUEST_TIMEOUT: "Send the whole request without a pause.",
        Kind.UNKNOWN_MODEL: "GET /v1/models lists the models there are.",
        Kind.UNKNOWN_PATH: "Check the path; base URLs end in /v1.",
        Kind.UNKNOWN_BACKEND: "Leave out x-headrace-backend, or name a backend that /status shows.",
        Kind.UNKNOWN_SCOPE: "After /to/ comes the name of a backend, or an engine type, as it is.",
        Kind.UNNAMED_BACKEND: "Send it to /to/{backend}/..., or name one in x-headrace-backend.",
        Kind.DISABLED: "Ask who runs this proxy.",
        Kind.NO_KEY: "Send one as `Authorization: Bearer KEY`, or as `x-api-key: KEY`.",
        Kind.BAD_KEY: "Check it for a missing letter, or ask who runs this proxy for a new one.",
        Kind.OLD_KEY: "Ask who runs this proxy for a new one.",
        Kind.FORBIDDEN_MODEL: "GET /v1/models lists the models this key may use.",
        Kind.FORBIDDEN: "Ask who runs this proxy for a key without a list of models.",
        Kind.RATE_LIMITED: "Wait the seconds named in Retry-After, then send it again.",
        Kind.BUDGET_SPENT: "Wait the seconds named in Retry-After, or ask for a larger budget.",
        Kind.METHOD: "Use the method named in the Allow header.",
        Kind.LOOP: "Two proxies have each other as a backend: /status of each shows its backends.",
        Kind.CLIENT_GONE: "Keep the connection open until the answer has ended.",
        Kind.SLOW_READER: "Read the answer as it arrives.",
        Kind.QUEUE_FULL: "Wait the seconds named in Retry-After, then send it again.",
        Kind.QUEUE_TIMEOUT: "Wait the seconds named in Retry-After, then send it again.",
        Kind.NO_BACKEND: "Wait the seconds named in Retry-After; /status says why none is ready.",
        Kind.DRAINING: "Send it again: another instance will take it.",
        Kind.SHEDDING: "Wait the seconds named in Retry-After, then send it again.",
        Kind.LIMITS_AWAY: "Wait the seconds named in Retry-After, then send it again.",
        Kind.INTERNAL: "Report it with the request id; the log has the details.",
        Kind.CONNECT_REFUSED: _LOOK,
        Kind.CONNECT_TIMEOUT: _LOOK,
        Kind.CONNECT_FAILED: _LOOK,
        Kind.FOREIGN: "Ask who runs this proxy to add the address to allow.listen.",
        Kind.CONNECT_TLS: "Ask who runs this proxy: it and the engine disagree about TLS.",
        Kind.CLOSED: _RETRY,
        Kind.STATUS: _LOOK,
        Kind.BAD_RESPONSE: _LOOK,
        Kind.ERROR_EVENT: _LOOK,
        Kind.TRUNCATED: "The answer is incomplete: send the request again.",
        Kind.FIRST_TOKEN_TIMEOUT: "Send a shorter prompt, or raise timeouts.first_token.",
        Kind.IDLE_TIMEOUT: "Send it again, or raise timeouts.idle.",
        Kind.TOTAL_TIMEOUT: "Ask for fewer tokens, or raise x-headrace-timeout or timeouts.total.",
    }
)


def status_of(failure: Failure) -> int:
    """Return the HTTP status a client is given for `failure`.

    An engine's own error status is passed on; anything it sent below 400 counts as a bad gateway.
    """
    if failure.status is not None and 400 <= failure.status <= 599:
        return failure.status
    return _STATUS[failure.kind]


def openai_type(status: int) -> str:
    """Return the `error.type` the OpenAI API uses with `status`."""
    named = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    return named.get(status, "invalid_request_error" if status < 500 else "server_error")


def anthropic_type(status: int) -> str:
    """Return the `error.type` the Anthropic API uses with `status`."""
    named = {
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        503: "overloaded_error",
        504: "timeout_error",
        529: "overloaded_error",
    }
    return named.get(status, "invalid_request_error" if status < 500 else "api_error")


def fits(surface: str, body: bytes) -> bool:
    """Tell whether an error body has the shape the caller's clients read."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    error = found.get("error") if isinstance(found, dict) else None
    if surface == "ollama":
        return isinstance(error, str)
    said = isinstance(error, dict) and isinstance(error.get("message"), str)
    return said and (surface != "anthropic" or found.get("type") == "error")


def hint_for(failure: Failure) -> str:
    """Return one sentence that tells the caller what to do about `failure`."""
    return _HINTS[failure.kind]


def unknown_model_hint(asked: str, names: Sequence[str]) -> str:
    """Return a sentence with the models that exist, those spelt most like `asked` first.

    `names` are distinct and sorted. At most `MAX_NAMES` are shown, however many there are, and the
    rest is counted. The time it takes is bounded, for a client may ask for nonsense as often as it
    likes: of many names only those that stand next to `asked` in the alphabet are compared.
    """
    if not names:
        return "No backend lists a model yet; /status says why."
    wanted = _pairs(asked)
    first = max(0, bisect_left(names, asked) - MAX_COMPARED // 2)
    nearby = names[first : first + MAX_COMPARED]
    ranked = sorted(nearby, key=lambda name: (-_likeness(wanted, name), name))
    shown = ranked[:MAX_NAMES]
    more = len(names) - len(shown)
    tail = f" and {more} more: GET /v1/models" if more > 0 else ""
    return f"Models here: {', '.join(shown)}{tail}."


def _likeness(wanted: frozenset[str], name: str) -> float:
    """Return the share of letter pairs both have in common: cheap, unlike an edit distance."""
    pairs = _pairs(name)
    return 2.0 * len(wanted & pairs) / (len(wanted) + len(pairs))


def _pairs(text: str) -> frozenset[str]:
    folded = f" {text[:MAX_LETTERS].lower()}"
    return frozenset(map(str.__add__, folded, folded[1:] + " "))
