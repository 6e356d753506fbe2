"""The servers for many GPUs: vLLM, SGLang, TGI, TensorRT-LLM, LMDeploy, and plain OpenAI.

vLLM 0.32 and SGLang 0.5.23 follow recordings; TGI 3.3, TensorRT-LLM and LMDeploy 0.18 follow
their sources and documentation as of 2026.
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
    models,
)
from benchmarks.fake.profile import Names

_EMPTY = Text("", "")
_TITLES: Mapping[int, str] = {
    400: "BadRequestError",
    404: "NotFoundError",
    503: "Service Unavailable",
}
VLLM = Look(
    headers=b"server: uvicorn\r\nvary: Origin\r\n",
    pages={
        "/v1/models": models(
            owned_by="vllm",
            root="simulated/$model",
            parent=None,
            max_model_len="$context",
            permission=[],
        ),
        "/version": {"version": "0.32.0"},
        "/health": _EMPTY,
        "/ping": _EMPTY,
        "/load": {"server_load": "$load"},
        "/is_sleeping": {"is_sleeping": "$sleeping"},
    },
    apis={
        **OPENAI_APIS,
        **RESPONSES,
        **MESSAGES,
        **COUNT,
        "/sleep": Api.SLEEP,
        "/wake_up": Api.WAKE,
    },
    chat=ChatStyle(
        reasoning=b"reasoning",
        choice_tail=b',"token_ids":null',
        finish_tail=b',"stop_reason":null,"token_ids":null',
        finish_apart=False,
        last_fields=b',"system_fingerprint":"vllm-0.32.0-simulated"',
        whole_tail=b',"system_fingerprint":"vllm-0.32.0-simulated"',
        whole_fields=b',"refusal":null,"annotations":null,"audio":null,"function_call":null',
        call_id="chatcmpl-tool-",
    ),
    error_kinds=_TITLES,
    messages_errors=Errors.OPENAI,
    busy=Busy(
        message=(
            "The engine is currently busy and cannot accept new requests. Please try again later "
            "or on a different instance."
        ),
        kind="Service Unavailable",
        in_stream=True,
    ),
    early_head=True,
    incomplete="response.completed",
    metrics=Names.VLLM,
)

SGLANG = Look(
    headers=b"server: uvicorn\r\nvary: Origin\r\n",
    pages={
        "/": "SGLang is running",
        "/v1/models": models(
            owned_by="sglang", root="$model", parent=None, max_model_len="$context"
        ),
        "/health": _EMPTY,
        "/health_generate": _EMPTY,
        "/ready": _EMPTY,
        "/ping": _EMPTY,
        "/model_info": {
            "model_path": "simulated/$first",
            "served_model_name": "$first",
            "is_generation": True,
            "weight_version": "default",
            "has_image_understanding": False,
            "disaggregation_mode": "null",
        },
        "/get_model_info": {
            "model_path": "simulated/$first",
            "served_model_name": "$first",
            "is_generation": True,
        },
        "/server_info": {
            "model_path": "simulated/$first",
            "context_length": "$context",
            "max_running_requests": "$slots",
            "version": "0.5.23",
        },
        "/v1/loads": {
            "loads": [
                {
                    "dp_rank": 0,
                    "num_running_reqs": "$running",
                    "num_waiting_reqs": "$waiting",
                    "max_running_requests": "$slots",
                    "token_usage": "$kv_usage",
                    "max_total_num_tokens": "$kv_tokens",
                }
            ]
        },
        "/api/tags": {
            "models": Each(
                {
                    "name": "$model",
                    "model": "$model",
                    "modified_at": "2026-01-01T00:00:00.000Z",
                    "size": 0,
                    "digest": f"sha256:sglang{'0' * 58}",
                    "details": {
                        "format": "sglang",
                        "family": "$model",
                        "parameter_size": "unknown",
                    },
                }
            )
        },
    },
    apis={
        **OPENAI_APIS,
        **RESPONSES,
        **MESSAGES,
        **COUNT,
        **{path: OLLAMA_APIS[path] for path in ("/api/chat", "/api/generate", "/api/show")},
        "/release_memory_occupation": Api.SLEEP,
        "/resume_memory_occupation": Api.WAKE,
    },
    chat=ChatStyle(
        id_prefix="",
        role=b'{"reasoning_content":null,"role":"assistant","content":""}',
        delta=b'"reasoning_content":null,',
        choice_tail=b',"matched_stop":null',
        finish_tail=b',"matched_stop":null',
        finish_delta=b'{"reasoning_content":null}',
        whole_fields=b',"reasoning_content":null',
    ),
    errors=Errors.FLAT,
    error_kinds={**_TITLES, 503: "503"},
    naming=Naming.ECHO,
    busy=Busy(message="The request queue is full.", kind="SERVICE_UNAVAILABLE", in_stream=True),
    incomplete="response.completed",
    metrics=Names.SGLANG,
    asleep={
        "object": "error",
        "message": "The server is paused.",
        "type": "503",
        "param": None,
        "code": 503,
    },
)

TGI = Look(
    headers=b"x-compute-type: simulated\r\n",
    pages={
        "/": _EMPTY,
        "/health": _EMPTY,
        "/ping": _EMPTY,
        "/info": {
            "model_id": "$first",
            "model_sha": None,
            "model_pipeline_tag": "text-generation",
            "max_concurrent_requests": 128,
            "max_best_of": 2,
            "max_stop_sequences": 4,
            "max_input_tokens": "$context",
            "max_total_tokens": "$context",
            "validation_workers": 2,
            "max_client_batch_size": 4,
            "router": "text-generation-router",
            "version": "3.3.7",
        },
        "/v1/models": {
            "object": "list",
            "data": Each(
                {"id": "$model", "object": "model", "created": 0, "owned_by": "$model"},
            ),
        },
    },
    apis={
        "/v1/chat/completions": Api.CHAT,
        "/v1/completions": Api.TEXT,
    },
    chat=ChatStyle(
        data=b"data:",
        id_prefix="",
        role=b"",
        stream_fields=b'"system_fingerprint":"3.3.7-simulated",',
        delta=b'"role":"assistant",',
        finish_apart=False,
    ),
    sse_type=b"text/event-stream",
    errors=Errors.TYPED,
    error_kinds={
        400: "validation",
        422: "validation",
        424: "generation",
        429: "overloaded",
        503: "healthcheck",
    },
    naming=Naming.OWN,
    missing=Text("", "", 404),
    wrong_method=Text("", "", 405),
    busy=Busy(status=429, message="Model is overloaded", kind="overloaded"),
    metrics=Names.TGI,
)

TRTLLM = Look(
    headers=b"server: uvicorn\r\n",
    pages={
        "/v1/models": models(owned_by="tensorrt_llm"),
        "/health": _EMPTY,
        "/health_generate": _EMPTY,
        "/version": {"version": "1.3.0"},
        "/server_info": {"disaggregated_params": {}},
        "/metrics": [],
    },
    apis={**OPENAI_APIS, **RESPONSES, **MESSAGES},
    chat=ChatStyle(reasoning=b"reasoning_content"),
    errors=Errors.FLAT,
    error_kinds=_TITLES,
    naming=Naming.ECHO,
    midstream=Midstream.CUT,
    metrics=Names.TRTLLM,
    metrics_path="/prometheus/metrics",
)

LMDEPLOY = Look(
    headers=b"server: uvicorn\r\n",
    pages={
        "/v1/models": models(owned_by="lmdeploy", root="$model", parent=None, permission=[]),
        "/health": {"status": "$health", "message": ""},
        "/is_sleeping": {"is_sleeping": "$sleeping"},
    },
    apis={
        **OPENAI_APIS,
        **RESPONSES,
        **MESSAGES,
        **COUNT,
        "/sleep": Api.SLEEP,
        "/wakeup": Api.WAKE,
    },
    chat=ChatStyle(id_prefix="", role=b"", delta=b'"role":"assistant",', finish_apart=False),
    errors=Errors.FLAT,
    error_kinds={**_TITLES, 400: "invalid_request_error", 404: "invalid_request_error"},
    unknown_words="The model '$model' does not exist.",
    metrics=Names.LMDEPLOY,
    asleep={
        "object": "error",
        "message": "Engine is sleeping",
        "type": "service_unavailable",
        "param": None,
        "code": 503,
    },
)

OPENAI = Look(
    pages={"/v1/models": models(owned_by="simulated")},
    apis={**OPENAI_APIS, **RESPONSES},
    chat=ChatStyle(
        stream_fields=b'"service_tier":"default","system_fingerprint":"fp_simulated",',
    ),
    error_kinds={
        400: "invalid_request_error",
        404: "invalid_request_error",
        429: "rate_limit_error",
    },
    missing={
        "error": {
            "message": "Unknown request URL: $path",
            "type": "invalid_request_error",
            "param": None,
            "code": "unknown_url",
        }
    },
    wrong_method=None,
)
