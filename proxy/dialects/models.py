"""What every reply is asked first: whether it is a model list, whose, and what its error says."""

import re
from collections.abc import Mapping, Sequence

import orjson

from proxy.dialects.base import NEEDS_CREDENTIALS, Reply

MAX_MODELS = 4096  # more than any engine serves; a bound for a peer that went mad
MAX_NAME = 512
MAX_REASON = 200  # characters of an engine's own words repeated in a reason
_HEAD = 4096  # bytes of a page that are looked at
_TITLE = re.compile(rb"<title>([^<]*)</title>", re.IGNORECASE)


def document(reply: Reply) -> Mapping[str, object] | None:
    """Return the JSON object in the body, None if it is anything else."""
    try:
        found = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def error_text(reply: Reply) -> str:
    """Return the engine's own error message, "" if the body holds none that can be read."""
    found = document(reply)
    if found is None:
        return ""
    error = found.get("error", found.get("detail", found.get("message")))
    if isinstance(error, dict):
        error = error.get("message")
    return error[:MAX_REASON] if isinstance(error, str) else ""


def status_reason(reply: Reply) -> str:
    """Return a plain reason for a reply that is not 200, "" for one that is."""
    if reply.status == 200:
        return ""
    if reply.status in NEEDS_CREDENTIALS:
        return f"status {reply.status}: needs credentials"
    text = error_text(reply) or _title(reply)
    return f"status {reply.status}: {text}" if text else f"status {reply.status}"


def _title(reply: Reply) -> str:
    """Return what the page of a server in front of an engine says, "" if the body is no page."""
    found = _TITLE.search(reply.body[:_HEAD])
    if found is None:
        return ""
    words = found[1].decode(errors="replace").strip().removeprefix(str(reply.status)).strip()
    return words[:MAX_REASON]


def items(reply: Reply) -> Sequence[Mapping[str, object]] | None:
    """Return the entries of an OpenAI list, None if the body is no such list.

    `"data": null` is an empty list: that is how a Go server writes one.
    """
    found = document(reply)
    if reply.status != 200 or found is None or "data" not in found:
        return None
    data = found["data"]
    if data is None:
        return ()
    if not isinstance(data, list):
        return None
    return [item for item in data[:MAX_MODELS] if isinstance(item, dict)]


def owners(reply: Reply) -> frozenset[str]:
    """Return the `owned_by` values of a listing."""
    listed = items(reply) or ()
    return frozenset(owner for item in listed if isinstance(owner := item.get("owned_by"), str))


def positive(value: object) -> int | None:
    """Return `value` if it is an integer above zero, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def usable(name: str) -> bool:
    """Say whether a model name may stand in logs, metrics and lists."""
    return 0 < len(name) <= MAX_NAME and name.isprintable()
