"""Gateways that can stand behind another one: LiteLLM 1.106 (recorded) and Olla 0.0.28 (read)."""

from benchmarks.fake.looks.look import (
    COUNT,
    MESSAGES,
    OLLAMA_APIS,
    OPENAI_APIS,
    RESPONSES,
    Busy,
    ChatStyle,
    Each,
    Look,
    below,
    models,
)

LITELLM = Look(
    headers=b"x-litellm-version: 1.106.2\r\nx-litellm-model-id: simulated\r\n",
    pages={
        "/v1/models": {
            "data": Each(
                {
                    "id": "$model",
                    "object": "model",
                    "created": 1677610602,
                    "owned_by": "openai",
                }
            ),
            "object": "list",
        },
        "/health/liveliness": "I'm alive!",
        "/health/liveness": "I'm alive!",
        "/health/readiness": {"status": "healthy", "db": "Not connected"},
        "/health/backlog": {
            "in_flight_requests": "$load",
            "admitted": "$running",
            "queued": "$waiting",
            "rejected": 0,
        },
        "/model/info": {
            "data": Each(
                {
                    "model_name": "$model",
                    "litellm_params": {"model": "openai/$model"},
                    "model_info": {"key": "openai/$model", "max_input_tokens": "$context"},
                }
            )
        },
    },
    apis={**OPENAI_APIS, **RESPONSES, **MESSAGES, **COUNT},
    chat=ChatStyle(role=b'{"role":"assistant"}', choice_fields=b""),
    error_kinds={400: "invalid_request_error", 429: "throttling_error"},
    unknown_status=400,
    unknown_words=(
        "/chat/completions: Invalid model name passed in model=$model. Call `/v1/models` to view "
        "available models for your key."
    ),
    busy=Busy(status=429, message="Rate limit reached.", kind="throttling_error"),
)

_PREFIX = "/olla/proxy"

OLLA = Look(
    headers=b"x-served-by: Olla/v0.0.28\r\nx-olla-endpoint: simulated\r\n",
    pages={
        "/version": {
            "name": "Olla",
            "version": "v0.0.28",
            "supported_backends": ["ollama", "lm_studio", "openai", "vllm"],
        },
        "/internal/health": {"status": "healthy"},
        "/internal/status/endpoints": {
            "endpoints": [{"name": "simulated", "status": "healthy", "active": "$load"}]
        },
        "/olla/models": models(owned_by="olla", olla={"family": "", "aliases": []}),
        f"{_PREFIX}/v1/models": models(owned_by="olla"),
        "/olla/openai/v1/models": models(owned_by="olla"),
        "/olla/ollama/api/tags": {
            "models": Each({"name": "$model", "model": "$model", "digest": "$digest"})
        },
    },
    apis={
        **below(_PREFIX, {**OPENAI_APIS, **RESPONSES}),
        **below("/olla/openai", {**OPENAI_APIS, **RESPONSES}),
        **below("/olla/anthropic", {**MESSAGES, **COUNT}),
        **below("/olla/ollama", OLLAMA_APIS),
    },
    missing={"detail": "Not Found"},
    wrong_method=None,
    busy=Busy(message="no healthy endpoints available"),
)
