"""Readers of what engines list: OpenAI model lists, their context lengths, error texts.

Only the fields that matter are read, so two listings are equal exactly when nothing that matters
has changed: most engines stamp `created` with the time of the call and invent ids in `permission`.
"""

from collections.abc import Callable, Mapping, Sequence

import orjson

from proxy.core.catalog import Model
from proxy.dialects.base import NEEDS_CREDENTIALS, Listing, Reply

MAX_MODELS = 4096  # more than any engine serves; a bound for a peer that went mad
MAX_NAME = 512
MAX_REASON = 200  # characters of an engine's own words repeated in a reason
_CONTEXT_FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")


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
    text = error_text(reply)
    return f"status {reply.status}: {text}" if text else f"status {reply.status}"


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


def context_length(item: Mapping[str, object]) -> int | None:
    """Return the context window an entry states, in tokens, None if it states none."""
    for field in _CONTEXT_FIELDS:
        value = positive(item.get(field))
        if value is not None:
            return value
    return None


def positive(value: object) -> int | None:
    """Return `value` if it is an integer above zero, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def read_list(
    reply: Reply, context: Callable[[Mapping[str, object]], int | None] = context_length
) -> Listing:
    """Read an OpenAI model list. Entries without a usable id are left out, repeated ids too.

    A reply that is no list gives a `problem`: the status, or the words of an engine that answers
    200 to paths it does not have.
    """
    reason = status_reason(reply)
    if reason:
        return Listing(problem=reason)
    listed = items(reply)
    if listed is None:
        text = error_text(reply)
        return Listing(problem=f"not a model list: {text}" if text else "not a model list")
    models: dict[str, Model] = {}
    for item in listed:
        name = item.get("id")
        if not isinstance(name, str) or not usable(name) or name in models:
            continue
        owner = item.get("owned_by")
        models[name] = Model(
            id=name,
            context_length=context(item),
            owned_by=owner if isinstance(owner, str) else "",
        )
    return Listing(models=tuple(models.values()))


def usable(name: str) -> bool:
    """Say whether a model name may stand in logs, metrics and lists."""
    return 0 < len(name) <= MAX_NAME and name.isprintable()
