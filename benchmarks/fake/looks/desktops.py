"""The engines people run at home: llama.cpp, Ollama, LM Studio, Lemonade, Docker Model Runner.

llama.cpp b11434 follows recordings, the others their sources and documentation as of 2026.
"""

from collections.abc import Mapping

from benchmarks.fake.looks.look import (
    COUNT,
    MESSAGES,
    OLLAMA_APIS,
    OPENAI_APIS,
    RESPONSES,
    Api,
    Busy,
    ChatStyle,
    Each,
    Errors,
    Look,
    Midstream,
    Naming,
    Text,
    below,
    models,
)
from benchmarks.fake.profile import Names

_OK = {"status": "ok"}
_LLAMACPP_MODELS = {
    "models": Each(
        {
            "name": "$model",
            "model": "$model",
            "modified_at": "",
            "size": "",
            "digest": "",
            "type": "model",
            "capabilities": ["completion"],
        }
    ),
    **models(
        aliases=["$model"],
        tags=[],
        owned_by="llamacpp",
        meta={"n_ctx": "$context", "n_ctx_train": "$context"},
    ),
}
_LLAMACPP_APIS: Mapping[str, Api] = {**OPENAI_APIS, **RESPONSES, **MESSAGES, **COUNT}

LLAMACPP = Look(
    goes_on=True,
    headers=b"Server: llama.cpp\r\n",
    pages={
        "/v1/models": _LLAMACPP_MODELS,
        "/models": _LLAMACPP_MODELS,
        "/health": _OK,
        "/v1/health": _OK,
        "/props": {
            "default_generation_settings": {"n_ctx": "$context"},
            "total_slots": "$slots",
            "model_alias": "$first",
            "model_path": "simulated/$first.gguf",
            "build_info": "b11434-0",
        },
        "/slots": "$slot_list",
    },
    apis={
        **_LLAMACPP_APIS,
        "/chat/completions": Api.CHAT,
        "/completions": Api.TEXT,
        "/embeddings": Api.EMBEDDINGS,
    },
    chat=ChatStyle(
        role=b'{"role":"assistant","content":null}',
        stream_fields=b'"system_fingerprint":"b11434-0",',
        choice_fields=b"",
    ),
    sse_type=b"text/event-stream",
    errors=Errors.BARE,
    error_kinds={
        400: "invalid_request_error",
        404: "not_found_error",
        503: "unavailable_error",
    },
    messages_errors=Errors.BARE,
    naming=Naming.OWN,
    missing={"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}},
    wrong_method=None,
    error_done=False,
    incomplete="response.completed",
    metrics=Names.LLAMACPP,
    loading={"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}},
)

_TAG = {
    "name": "$model",
    "model": "$model",
    "modified_at": "2026-01-01T00:00:00Z",
    "size": 91_000_000,
    "digest": "$digest",
    "details": {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "135M",
        "quantization_level": "Q4_1",
        "context_length": "$context",
    },
    "capabilities": ["completion", "tools", "thinking"],
}
_LOADED = {
    **_TAG,
    "size_vram": 0,
    "expires_at": "2036-01-01T00:00:00Z",
    "context_length": "$context",
}
_OLLAMA_PAGES: Mapping[str, object] = {
    "/api/version": {"version": "0.33.0"},
    "/api/tags": {"models": Each(_TAG)},
    "/api/ps": {"models": Each(_LOADED)},
}

OLLAMA = Look(
    goes_on=True,
    pages={
        "/": Text("Ollama is running"),
        **_OLLAMA_PAGES,
        "/v1/models": models(owned_by="library"),
    },
    apis={**OPENAI_APIS, **RESPONSES, **MESSAGES, **OLLAMA_APIS},
    chat=ChatStyle(
        stream_fields=b'"system_fingerprint":"fp_ollama",',
        role=b"",
        delta=b'"role":"assistant",',
        reasoning=b"reasoning",
        choice_fields=b"",
        finish_delta=b'{"role":"assistant","content":""}',
    ),
    sse_type=b"text/event-stream",
    error_kinds={400: "invalid_request_error", 404: "not_found_error", 503: "api_error"},
    unknown_words="model '$model' not found",
    missing=Text("404 page not found", "text/plain", 404),
    wrong_method=None,
    busy=Busy(
        message="server busy, please try again.  maximum pending requests exceeded",
        kind="api_error",
    ),
    midstream=Midstream.SILENT,
)

LMSTUDIO = Look(
    headers=b"X-Powered-By: Express\r\nKeep-Alive: timeout=5\r\n",
    pages={
        "/v1/models": {
            "object": "list",
            "data": Each({"id": "$model", "object": "model", "owned_by": "organization_owner"}),
        },
        "/api/v0/models": {
            "object": "list",
            "data": Each(
                {
                    "id": "$model",
                    "object": "model",
                    "type": "llm",
                    "publisher": "simulated",
                    "arch": "llama",
                    "compatibility_type": "gguf",
                    "quantization": "Q4_K_M",
                    "state": "loaded",
                    "max_context_length": "$context",
                }
            ),
        },
        "/api/v1/models": {
            "models": Each(
                {
                    "type": "llm",
                    "publisher": "simulated",
                    "key": "$model",
                    "display_name": "$model",
                    "architecture": "llama",
                    "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
                    "size_bytes": 91_000_000,
                    "params_string": "135M",
                    "loaded_instances": [
                        {
                            "id": "$model",
                            "config": {"context_length": "$context", "parallel": "$slots"},
                        }
                    ],
                    "max_context_length": "$context",
                    "format": "gguf",
                }
            )
        },
    },
    apis={**OPENAI_APIS, **RESPONSES, **MESSAGES},
    chat=ChatStyle(
        stream_fields=b'"system_fingerprint":"simulated",',
        role=b"",
        delta=b'"role":"assistant",',
    ),
    sse_type=b"text/event-stream",
    error_kinds={400: "invalid_request_error", 404: "invalid_request_error"},
    # Every unknown path looks like a success.
    missing=Text('{"error":"Unexpected endpoint or method. ($path)"}', "application/json"),
    wrong_method=None,
)

_LEMONADE_ROW = {
    "id": "$model",
    "object": "model",
    "created": "$created",
    "owned_by": "lemonade",
    "checkpoint": "simulated/$model-GGUF:Q4_K_M",
    "recipe": "llamacpp",
    "size": 0.1,
    "context_length": "$context",
    "max_context_window": "$context",
    "labels": ["chat", "tool-calling"],
    "downloaded": True,
}
_LEMONADE_HEALTH = {
    "status": "ok",
    "version": "11.7.0",
    "model_loaded": "$first",
    "all_models_loaded": Each(
        {
            "model_name": "$model",
            "type": "llm",
            "device": "cpu",
            "is_busy": "$busy",
            "is_streaming": "$busy",
            "pinned": False,
            "recipe_options": {"ctx_size": "$context"},
        }
    ),
    "max_models": {"llm": 1},
}
_LEMONADE_APIS = {**OPENAI_APIS, **RESPONSES, **MESSAGES}

LEMONADE = Look(
    pages={
        "/live": _OK,
        **_OLLAMA_PAGES,
        **{
            prefix + path: page
            for prefix in ("", "/api")
            for path, page in {
                "/v1/models": {"object": "list", "data": Each(_LEMONADE_ROW)},
                "/v1/health": _LEMONADE_HEALTH,
            }.items()
        },
    },
    apis={**_LEMONADE_APIS, **below("/api", _LEMONADE_APIS), **OLLAMA_APIS},
    chat=LLAMACPP.chat,
    errors=Errors.BARE,
    error_kinds=LLAMACPP.error_kinds,
    missing={"error": {"code": 404, "message": "Not Found", "type": "not_found"}},
    wrong_method=None,
    error_done=False,
)

_DMR_MODELS = models(
    owned_by="docker",
    dmr={
        "context_window": "$context",
        "architecture": "llama",
        "parameters": "135M",
        "quantization": "Q4_K_M",
        "size": "91 MB",
    },
)

DMR = Look(
    pages={
        "/": Text("Docker Model Runner is running"),
        "/version": {"version": "v1.2.6"},
        "/v1/models": _DMR_MODELS,
        "/engines/v1/models": _DMR_MODELS,
        "/models": Each({"id": "sha256:$digest", "tags": ["$model"], "created": "$created"}),
        "/engines/status": {"llama.cpp": "running"},
        "/engines/ps": Each(
            {
                "backend_name": "llama.cpp",
                "model_name": "$model",
                "mode": "completion",
                "in_use": "$busy",
                "loading": False,
            }
        ),
        **_OLLAMA_PAGES,
        "/api/version": {"version": "0.1.0"},
    },
    apis={
        **OPENAI_APIS,
        **RESPONSES,
        **below("/engines", {**OPENAI_APIS, **RESPONSES, **MESSAGES, **COUNT}),
        **below("/anthropic", {**MESSAGES, **COUNT}),
        **{path: OLLAMA_APIS[path] for path in ("/api/chat", "/api/generate", "/api/show")},
    },
    chat=LLAMACPP.chat,
    errors=Errors.TEXT,
    unknown_words="model not found",
    missing=Text("404 page not found", "text/plain; charset=utf-8", 404),
    wrong_method=None,
    error_done=False,
    metrics=Names.LLAMACPP,
)
