"""The OpenAI API as this proxy serves it: the exact route table, error bodies, the models list.

Nothing is forwarded that is not in the table, and no path of it is known to change an engine's
state: administration shares the port with inference on most engines, often without a key. The rest
is pure functions from values to bytes; the Anthropic and Ollama error shapes carry the same facts
in the fields those clients read.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec
import orjson

from proxy.core.catalog import Model
from proxy.core.failure import Failure
from proxy.dialects import threads
from proxy.dialects.errors import anthropic_type, fits, hint_for, openai_type, status_of
from proxy.dialects.wording import words_of

DONE = b"[DONE]"
_RESPONSES = (b"response.completed", b"response.incomplete", b"response.failed", DONE)


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One POST path.

    markers: the SSE payload or event name that ends a complete stream, any one of them; empty when
        the operation never streams or streams raw bytes (the framing decides then).
    json: the body is JSON with the model in its top-level `model`; False for multipart forms.
    surface: the caller's dialect, in which errors are written.
    streams: the answer is a stream unless the request says otherwise.
    translates: engines without the path are asked in another way.
    """

    path: str
    name: str
    markers: tuple[bytes, ...] = ()
    json: bool = True
    surface: str = "openai"
    streams: bool = False
    translates: bool = False


def _table(*operations: Operation) -> Mapping[str, Operation]:
    return MappingProxyType({operation.path: operation for operation in operations})


OPERATIONS: Mapping[str, Operation] = _table(
    Operation(path="/v1/chat/completions", name="chat", markers=(DONE,)),
    Operation(path="/v1/completions", name="completions", markers=(DONE,)),
    Operation(path="/v1/responses", name="responses", markers=_RESPONSES, translates=True),
    Operation(
        path="/v1/messages",
        name="messages",
        markers=(b"message_stop",),
        surface="anthropic",
        translates=True,
    ),
    Operation(
        path="/v1/messages/count_tokens",
        name="count_tokens",
        surface="anthropic",
        translates=True,
    ),
    *(
        Operation(
            path=f"/api/{name}",
            name=f"ollama_{name}",
            markers=(b'"done":true',),
            surface="ollama",
            streams=True,
            translates=True,
        )
        for name in ("chat", "generate")
    ),
    *(
        Operation(path=f"/api/{name}", name=f"ollama_{name}", surface="ollama", translates=True)
        for name in ("embed", "embeddings", "show")
    ),
    Operation(path="/v1/embeddings", name="embeddings"),
    Operation(path="/v1/moderations", name="moderations"),
    Operation(path="/v1/rerank", name="rerank"),
    Operation(path="/v2/rerank", name="rerank"),
    Operation(path="/rerank", name="rerank"),
    Operation(path="/v1/score", name="score"),
    Operation(path="/score", name="score"),
    Operation(path="/v1/classify", name="classify"),
    Operation(path="/classify", name="classify"),
    Operation(path="/v1/pooling", name="pooling"),
    Operation(path="/pooling", name="pooling"),
    Operation(
        path="/v1/audio/transcriptions",
        name="transcriptions",
        markers=(DONE, b"transcript.text.done"),
        json=False,
    ),
    Operation(
        path="/v1/audio/translations",
        name="translations",
        markers=(DONE, b"transcript.text.done"),
        json=False,
    ),
    Operation(path="/v1/audio/speech", name="speech"),
    Operation(path="/v1/images/generations", name="images"),
    Operation(path="/v1/images/edits", name="image_edits", json=False),
    Operation(path="/v1/images/variations", name="image_variations", json=False),
    Operation(path="/v1/tokenize", name="tokenize"),
    Operation(path="/v1/detokenize", name="detokenize"),
    Operation(path="/tokenize", name="tokenize"),
    Operation(path="/detokenize", name="detokenize"),
    Operation(path="/v1/chat/completions/input_tokens", name="chat_tokens"),
    Operation(path="/v1/responses/input_tokens", name="responses_tokens"),
)


def error_body(surface: str, failure: Failure, request_id: str, hint: str = "") -> bytes:
    """Return the JSON body of an error answer in the caller's dialect.

    `surface` is openai, anthropic or ollama; `hint` says what to do and defaults to the advice for
    the failure's kind. Every shape carries code, message (with the hint), type and request id.
    """
    return orjson.dumps(_error(surface, failure, request_id, hint))


def error_event(surface: str, failure: Failure, request_id: str, hint: str = "") -> bytes:
    """Return the event that reports `failure` inside a stream already begun, without HTTP framing.

    It is not followed by an end marker: the caller aborts the body after it.
    """
    body = error_body(surface, failure, request_id, hint)
    if surface == "ollama":
        return body + b"\n"
    if surface == "anthropic":
        return b"event: error\ndata: " + body + b"\n\n"
    return b"data: " + body + b"\n\n"


def _error(surface: str, failure: Failure, request_id: str, hint: str) -> Mapping[str, object]:
    message = f"{_sentence(failure.detail)} {hint or hint_for(failure)}"
    return _shaped(surface, failure, request_id, message)


def engine_error(surface: str, failure: Failure, request_id: str) -> bytes:
    """Return an engine's error answer (`failure.body`) in the caller's dialect.

    A body that has the dialect's shape already is returned as it is; one without words that can be
    read is replaced.
    """
    body = failure.body or b""
    if fits(surface, body):
        return body
    said = words_of(body)
    if said is None:
        return error_body(surface, failure, request_id)
    return orjson.dumps(_shaped(surface, failure, request_id, _sentence(said)))


def _shaped(surface: str, failure: Failure, request_id: str, message: str) -> Mapping[str, object]:
    status = status_of(failure)
    code = failure.kind.value
    if surface == "anthropic":
        kind = anthropic_type(status)
        error: dict[str, object] = {"type": kind, "message": message, "code": code}
        if failure.param == threads.FIELD:
            error["details"] = threads.DETAILS
        return {"type": "error", "error": error, "request_id": request_id}
    if surface == "ollama":
        kind = openai_type(status)
        return {"error": message, "code": code, "type": kind, "request_id": request_id}
    return {
        "error": {
            "message": message,
            "type": openai_type(status),
            "param": failure.param or ("model" if code == "model_not_found" else None),
            "code": code,
            "request_id": request_id,
        }
    }


def _sentence(text: str) -> str:
    """Return `text` as a closed sentence."""
    stripped = text.strip()
    return stripped if stripped.endswith((".", "!", "?")) else stripped + "."


def surface_of(path: str, *, anthropic: bool = False) -> str:
    """Return the dialect in which a request of `path` is answered.

    `anthropic`: it has the header `anthropic-version`, which Anthropic's client always sends and
    OpenAI's never does.
    """
    operation = OPERATIONS.get(path)
    if operation is not None:
        return operation.surface
    if path.startswith("/api/"):
        return "ollama"
    return "anthropic" if anthropic or path.startswith("/v1/messages") else "openai"


def model_card(model: Model, created: int) -> Mapping[str, object]:
    """Return one entry of the models list. `created` is in Unix seconds."""
    card: dict[str, object] = {
        "id": model.id,
        "object": "model",
        "created": created,
        "owned_by": model.owned_by,
    }
    if model.context_length is not None:
        card["max_model_len"] = model.context_length
    return card


def model_list(models: Iterable[Model], created: int) -> bytes:
    """Return the body of `GET /v1/models`.

    `created` is the same for all and should not change while the list does not: clients cache it.
    """
    return orjson.dumps({"object": "list", "data": [model_card(m, created) for m in models]})
