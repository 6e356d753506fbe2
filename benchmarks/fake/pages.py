"""Answers that are not generated: pages out of templates, and error bodies in an engine's shape."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from benchmarks.fake.looks.look import Each, Errors, Look, Text
from benchmarks.fake.profile import Profile

_JSON = b"application/json"
_NAME = re.compile(r"\$(\w+)")
_HTTP_ANTHROPIC: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    529: "overloaded_error",
}


class Page(msgspec.Struct, frozen=True):
    """A finished answer."""

    body: bytes
    content_type: bytes = _JSON
    status: int = 200


class State(Protocol):
    """The engine, as far as a page tells of it."""

    profile: Profile
    created: int

    @property
    def asleep(self) -> bool:
        """Whether the engine sleeps."""

    @property
    def running(self) -> int:
        """Sequences in the batch."""

    @property
    def waiting(self) -> int:
        """Sequences in the queue."""

    @property
    def kv_usage(self) -> float:
        """Filled share of the KV cache."""


def _slots(state: State) -> list[dict[str, object]]:
    context = state.profile.context_length
    return [
        {"id": number, "n_ctx": context, "speculative": False, "is_processing": number < busy}
        for busy in (state.running,)
        for number in range(state.profile.max_num_seqs)
    ]


VALUES: Mapping[str, Callable[[State], object]] = {
    "first": lambda s: s.profile.models[0],
    "models": lambda s: s.profile.models,
    "created": lambda s: s.created,
    "context": lambda s: s.profile.context_length,
    "slots": lambda s: s.profile.max_num_seqs,
    "slot_list": _slots,
    "running": lambda s: s.running,
    "waiting": lambda s: s.waiting,
    "load": lambda s: s.running + s.waiting,
    "busy": lambda s: s.running > 0,
    "kv_usage": lambda s: s.kv_usage,
    "kv_tokens": lambda s: s.profile.kv_tokens,
    "sleeping": lambda s: s.asleep,
    "health": lambda s: "sleeping" if s.asleep else "healthy",
}
"""What a template can name, besides the `$model` and `$digest` of a row and what is given."""


def fill(template: object, state: State, **given: object) -> object:
    """Fill in a template; raises KeyError for a name nobody knows."""

    def value(name: str) -> object:
        return given[name] if name in given else VALUES[name](state)

    match template:
        case str():
            alone = _NAME.fullmatch(template)
            if alone:
                return value(alone[1])
            return _NAME.sub(lambda found: str(value(found[1])), template)
        case Each(row):
            return [
                fill(row, state, **given, model=model, digest=digest(model))
                for model in state.profile.models
            ]
        case dict():
            return {key: fill(inner, state, **given) for key, inner in template.items()}
        case list():
            return [fill(inner, state, **given) for inner in template]
        case _:
            return template


SHOWN: Mapping[str, object] = {
    "modelfile": "# simulated",
    "parameters": "",
    "template": "{{ .Prompt }}",
    "details": {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "135M",
        "quantization_level": "Q4_1",
    },
    "model_info": {
        "general.architecture": "llama",
        "general.basename": "$model",
        "llama.context_length": "$context",
        "llama.embedding_length": 8,
    },
    "capabilities": ["completion", "tools", "thinking", "embedding"],
    "modified_at": "2026-01-01T00:00:00Z",
}
"""What Ollama tells about one model."""


def digest(model: str) -> str:
    """Return the made-up SHA-256 of a model of this name."""
    return hashlib.sha256(model.encode()).hexdigest()


def page(template: object, state: State, *, status: int = 200, **given: object) -> Page:
    """Render a template; a `Text` knows its own status and type."""
    if isinstance(template, Text):
        words = str(fill(template.words, state, **given))
        return Page(words.encode(), template.content_type.encode(), template.status)
    return Page(msgspec.json.encode(fill(template, state, **given)), _JSON, status)


def error(
    look: Look,
    status: int,
    message: str,
    *,
    param: str | None = None,
    kind: str = "",
    anthropic: bool = False,
) -> Page:
    """Render an error as this engine writes it; `anthropic`: on the paths of that API."""
    shape = look.messages_errors if anthropic else look.errors
    if shape is Errors.TEXT:
        return Page(message.encode(), b"text/plain; charset=utf-8", status)
    value = _body(shape, look, status, message, param=param, kind=kind)
    return Page(msgspec.json.encode(value), _JSON, status)


def event(look: Look, status: int, message: str, kind: str = "") -> bytes:
    """Render the JSON of an error inside an OpenAI stream."""
    value = _body(look.errors, look, status, message, param=None, kind=kind)
    if look.errors in {Errors.FLAT, Errors.DETAIL, Errors.TEXT}:
        value = {"error": value if look.errors is Errors.FLAT else {"message": message}}
    return msgspec.json.encode(value)


def missing(look: Look, state: State, path: str) -> Page:
    """Answer for a path this engine does not have."""
    return page(look.missing, state, status=404, path=path)


def wrong_method(look: Look, state: State, path: str) -> Page:
    """Answer for a path that exists under another method."""
    if look.wrong_method is None:
        return missing(look, state, path)
    return page(look.wrong_method, state, status=405, path=path)


def _body(
    shape: Errors, look: Look, status: int, message: str, *, param: str | None, kind: str
) -> object:
    usual = "invalid_request_error" if status < 500 else "InternalServerError"
    named = kind or look.error_kinds.get(status, usual)
    match shape:
        case Errors.BARE:
            return {"error": {"code": status, "message": message, "type": named}}
        case Errors.FLAT:
            flat = {"message": message, "type": named, "param": param, "code": status}
            return {"object": "error", **flat}
        case Errors.WORDS:
            return {"error": message}
        case Errors.TYPED:
            return {"error": message, "error_type": named}
        case Errors.DETAIL:
            return {"detail": message}
        case Errors.ANTHROPIC:
            named = _HTTP_ANTHROPIC.get(status, "api_error")
            return {"type": "error", "error": {"type": named, "message": message}}
        case _:
            inner = {"message": message, "type": named, "param": param, "code": status}
            return {"error": inner}
