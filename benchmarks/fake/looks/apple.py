"""Engines for Apple's chips: mlx-lm 0.32 and vLLM-MLX 0.6 (recorded), oMLX (read)."""

from benchmarks.fake.looks.look import (
    COUNT,
    MESSAGES,
    OPENAI_APIS,
    RESPONSES,
    Api,
    ChatStyle,
    Each,
    Errors,
    Look,
    Text,
    models,
)
from benchmarks.fake.profile import Names

_OK = {"status": "ok"}

MLX_LM = Look(
    headers=b"Server: BaseHTTP/0.6 Python/3.11.7\r\nAccess-Control-Allow-Origin: *\r\n",
    pages={
        "/health": _OK,
        "/v1/models": {
            "object": "list",
            "data": Each({"id": "$model", "object": "model", "created": "$created"}),
        },
    },
    apis={
        "/v1/chat/completions": Api.CHAT,
        "/chat/completions": Api.CHAT,
        "/v1/completions": Api.TEXT,
    },
    chat=ChatStyle(
        stream_fields=b'"system_fingerprint":"0.32.2-simulated",',
        role=b"",
        delta=b'"role":"assistant",',
        reasoning=b"reasoning",
        choice_fields=b"",
        finish_delta=b'{"role":"assistant"}',
        comment=b": keepalive 1/1\n\n",
    ),
    sse_type=b"text/event-stream",
    errors=Errors.WORDS,
    unknown_words="Cannot find an appropriate cached snapshot folder for $model.",
    missing=Text("Not Found", "application/json", 404),
    wrong_method=None,
    http10=True,
)

OMLX = Look(
    headers=b"server: uvicorn\r\n",
    pages={
        "/v1/models": models(
            owned_by="omlx", capabilities={"max_tokens": "$context", "vision": False}
        ),
        "/v1/models/status": {
            "models": Each(
                {"id": "$model", "loaded": True, "max_context_window": "$context"},
            )
        },
        "/health": {
            "status": "healthy",
            "engine_pool": {"model_count": 1, "loaded_count": 1},
        },
        "/api/status": {
            "version": "0.7.0",
            "active_requests": "$running",
            "waiting_requests": "$waiting",
            "models_loaded": 1,
            "models_loading": 0,
            "loaded_models": "$models",
        },
    },
    apis={**OPENAI_APIS, **RESPONSES, **MESSAGES, **COUNT},
    chat=ChatStyle(comment=b": keep-alive\n\n"),
    early_head=True,
)

VLLM_MLX = Look(
    headers=b"server: uvicorn\r\n",
    pages={
        "/v1/models": models(owned_by="vllm-mlx"),
        "/health": {
            "status": "healthy",
            "model_loaded": True,
            "model_name": "$first",
            "available_models": "$models",
            "model_type": "llm",
            "engine_type": "batched",
            "mcp": None,
        },
        "/v1/status": {
            "status": "running",
            "num_running": "$running",
            "num_waiting": "$waiting",
            "requests": [],
        },
    },
    apis={**OPENAI_APIS, **RESPONSES, **MESSAGES, **COUNT},
    chat=ChatStyle(
        role=b'{"role":"assistant"}',
        choice_fields=b"",
        after_choices=b',"usage":null,"generation_metadata":null',
        last_fields=b',"usage":null,"generation_metadata":null',
        finish_apart=False,
        reasoning=b"reasoning",
    ),
    errors=Errors.DETAIL,
    early_head=True,
    metrics=Names.VLLM_MLX,
)
