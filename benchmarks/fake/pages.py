"""The pages that tell engines apart, and the error bodies, in each dialect's shape."""

import hashlib

import msgspec

from benchmarks.fake.profile import Dialect, Profile

BUSY = (
    b'{"error":{"message":"The engine is currently busy and cannot accept new requests. Please '
    b'try again later or on a different instance.","type":"Service Unavailable","param":null,'
    b'"code":503}}'
)
VERSIONS = {Dialect.VLLM: "0.32.0", Dialect.LLAMACPP: "b11434-0", Dialect.OLLAMA: "0.33.0"}
TITLES = {400: "BadRequestError", 404: "NotFoundError", 503: "Service Unavailable"}

_JSON = b"application/json"


class Page(msgspec.Struct, frozen=True):
    """A finished answer."""

    body: bytes
    content_type: bytes = _JSON
    status: int = 200


def static_pages(profile: Profile, created: int) -> dict[str, Page]:
    """Every GET page whose content never changes while the engine runs."""
    return _BUILDERS[profile.dialect](profile, created)


def error(dialect: Dialect, status: int, message: str, *, param: str | None = None) -> bytes:
    """Render an error body as this engine writes it."""
    if dialect is Dialect.LLAMACPP:
        kind = {404: "not_found_error", 503: "unavailable_error", 400: "invalid_request_error"}
        return _json(
            {
                "error": {
                    "message": message,
                    "type": kind.get(status, "server_error"),
                    "code": status,
                }
            }
        )
    kind_name = TITLES.get(status, "InternalServerError")
    return _json({"error": {"message": message, "type": kind_name, "param": param, "code": status}})


def missing(dialect: Dialect, path: str) -> Page:
    """Answer for a path this engine does not have."""
    if dialect is Dialect.LLAMACPP:
        return Page(error(dialect, 404, "File Not Found"), _JSON, 404)
    if dialect is Dialect.OLLAMA:
        return Page(b"404 page not found", b"text/plain", 404)
    if dialect is Dialect.OPENAI:
        return Page(error(dialect, 404, f"Unknown request URL: {path}"), _JSON, 404)
    return Page(b'{"detail":"Not Found"}', _JSON, 404)


def wrong_method(dialect: Dialect, path: str) -> Page:
    """Answer for a path that exists under another method."""
    if dialect in {Dialect.LLAMACPP, Dialect.OLLAMA}:
        return missing(dialect, path)
    return Page(b'{"detail":"Method Not Allowed"}', _JSON, 405)


def _vllm(profile: Profile, created: int) -> dict[str, Page]:
    cards: list[dict[str, object]] = [
        {
            "id": name,
            "object": "model",
            "created": created,
            "owned_by": "vllm",
            "root": f"simulated/{name}",
            "parent": None,
            "max_model_len": profile.context_length,
            "permission": [],
        }
        for name in profile.models
    ]
    return {
        "/v1/models": Page(_json({"object": "list", "data": cards})),
        "/version": Page(_json({"version": VERSIONS[Dialect.VLLM]})),
        "/health": Page(b"", b""),
        "/ping": Page(b"", b""),
    }


def _llamacpp(profile: Profile, created: int) -> dict[str, Page]:
    cards = [
        {
            "id": name,
            "aliases": [name],
            "tags": [],
            "object": "model",
            "created": created,
            "owned_by": "llamacpp",
            "meta": {"n_ctx": profile.context_length, "n_ctx_train": profile.context_length},
        }
        for name in profile.models
    ]
    twins = [
        {"name": name, "model": name, "modified_at": "", "size": "", "digest": ""}
        for name in profile.models
    ]
    models = Page(_json({"models": twins, "object": "list", "data": cards}))
    props = {
        "default_generation_settings": {"n_ctx": profile.context_length},
        "total_slots": profile.max_num_seqs,
        "model_alias": profile.models[0],
        "model_path": f"simulated/{profile.models[0]}.gguf",
        "build_info": VERSIONS[Dialect.LLAMACPP],
    }
    ok = Page(b'{"status":"ok"}')
    return {
        "/v1/models": models,
        "/models": models,
        "/health": ok,
        "/v1/health": ok,
        "/props": Page(_json(props)),
    }


def _ollama(profile: Profile, created: int) -> dict[str, Page]:
    tags = [
        {
            "name": name,
            "model": name,
            "modified_at": "2026-01-01T00:00:00Z",
            "size": 91_000_000,
            "digest": hashlib.sha256(name.encode()).hexdigest(),
            "details": {
                "format": "gguf",
                "family": "llama",
                "families": ["llama"],
                "parameter_size": "135M",
                "quantization_level": "Q4_1",
                "context_length": profile.context_length,
            },
        }
        for name in profile.models
    ]
    loaded = [{**tag, "size_vram": 0, "expires_at": "2036-01-01T00:00:00Z"} for tag in tags]
    return {
        "/": Page(b"Ollama is running", b"text/plain; charset=utf-8"),
        "/api/version": Page(_json({"version": VERSIONS[Dialect.OLLAMA]})),
        "/api/tags": Page(_json({"models": tags})),
        "/api/ps": Page(_json({"models": loaded})),
        "/v1/models": Page(_plain_list(profile, created, "library")),
    }


def _openai(profile: Profile, created: int) -> dict[str, Page]:
    return {"/v1/models": Page(_plain_list(profile, created, "simulated"))}


_BUILDERS = {
    Dialect.VLLM: _vllm,
    Dialect.LLAMACPP: _llamacpp,
    Dialect.OLLAMA: _ollama,
    Dialect.OPENAI: _openai,
}


def _plain_list(profile: Profile, created: int, owner: str) -> bytes:
    cards = [
        {"id": name, "object": "model", "created": created, "owned_by": owner}
        for name in profile.models
    ]
    return _json({"object": "list", "data": cards})


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)
