"""The description of an engine kind: pages, paths, headers, error bodies, event details.

Pages are templates. A string that is exactly `$name` becomes that value, whatever its type; inside
a longer string the value is written out. `Each(row)` stands for a list with a row per model. The
values are listed in `benchmarks.fake.pages`.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from benchmarks.fake.profile import Names


class Api(StrEnum):
    """What a path expects and answers."""

    CHAT = "chat"
    TEXT = "text"
    RESPONSES = "responses"
    MESSAGES = "messages"
    OLLAMA_CHAT = "ollama-chat"
    OLLAMA_GENERATE = "ollama-generate"
    EMBEDDINGS = "embeddings"
    OLLAMA_EMBED = "ollama-embed"
    OLLAMA_EMBEDDINGS = "ollama-embeddings"
    COUNT_TOKENS = "count-tokens"
    SHOW = "show"
    SLEEP = "sleep"
    WAKE = "wake"


class Errors(StrEnum):
    """How an error body is built."""

    OPENAI = "openai"
    """`{"error":{"message","type","param","code"}}`"""
    BARE = "bare"
    """`{"error":{"code","message","type"}}`"""
    FLAT = "flat"
    """`{"object":"error","message","type","param","code"}`; nested under `error` in a stream."""
    WORDS = "words"
    """`{"error":"words"}`"""
    TYPED = "typed"
    """`{"error":"words","error_type":"type"}`"""
    DETAIL = "detail"
    """`{"detail":"words"}`"""
    TEXT = "text"
    """The words as text/plain."""
    ANTHROPIC = "anthropic"
    """`{"type":"error","error":{"type","message"}}`"""


class Naming(StrEnum):
    """What a model name that is not served does."""

    STRICT = "strict"
    """It is refused."""
    OWN = "own"
    """The engine answers, under its own name."""
    ECHO = "echo"
    """The engine answers, under the name it was asked for."""


class Midstream(StrEnum):
    """How an engine that fails within a stream ends it."""

    EVENT = "event"
    """An error event, then a clean end."""
    CUT = "cut"
    """The connection is closed."""
    SILENT = "silent"
    """A clean end without an error and without the terminal marker."""


class Each(msgspec.Struct, frozen=True):
    """A list with one row per model; `$model` and `$digest` are its own."""

    row: object


class Text(msgspec.Struct, frozen=True):
    """A page that is not JSON."""

    words: str
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200


class ChatStyle(msgspec.Struct, frozen=True, kw_only=True):
    """Details of chat events that differ between engines. Pieces of JSON, ready to be joined."""

    data: bytes = b"data: "
    id_prefix: str = "chatcmpl-"
    stream_fields: bytes = b""
    """Stand before `choices` in every event, each with its comma."""
    after_choices: bytes = b""
    """Stand behind `choices` in every event, each with its comma in front."""
    role: bytes = b'{"role":"assistant","content":""}'
    """The delta of an event of its own that comes first; empty: there is none."""
    delta: bytes = b""
    """Stands at the beginning of every delta."""
    reasoning: bytes = b"reasoning_content"
    choice_fields: bytes = b',"logprobs":null'
    """Between the delta and `finish_reason`."""
    choice_tail: bytes = b""
    """Behind `finish_reason`."""
    finish_apart: bool = True
    """The reason comes in an event of its own, not with the last token."""
    finish_delta: bytes = b"{}"
    finish_tail: bytes = b""
    """In place of `choice_tail` where the reason stands."""
    last_fields: bytes = b""
    """Behind `choices` in the event with the reason."""
    whole_fields: bytes = b""
    """Behind the message of an answer that is not streamed."""
    whole_tail: bytes = b""
    """Behind `choices` of an answer that is not streamed, with its comma in front."""
    call_id: str = "call_"
    comment: bytes = b""
    """An SSE comment that precedes everything."""


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """How a full queue is refused."""

    status: int = 503
    message: str = "The server is busy. Please try again later."
    kind: str = "overloaded_error"
    in_stream: bool = False
    """A streamed request gets 200 and an error event instead."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of engine."""

    headers: bytes = b""
    """Lines that stand in every answer."""
    pages: Mapping[str, object]
    """GET path to template."""
    apis: Mapping[str, Api]
    """POST path to what it is."""
    chat: ChatStyle = ChatStyle()
    sse_type: bytes = b"text/event-stream; charset=utf-8"
    errors: Errors = Errors.OPENAI
    error_kinds: Mapping[int, str] = {}
    messages_errors: Errors = Errors.ANTHROPIC
    """The shape of errors on the Anthropic paths."""
    naming: Naming = Naming.STRICT
    unknown_status: int = 404
    unknown_words: str = "The model `$model` does not exist."
    missing: object = Text('{"detail":"Not Found"}', "application/json", 404)
    """Body for a path that does not exist; `Text` for another status or type."""
    wrong_method: object = Text('{"detail":"Method Not Allowed"}', "application/json", 405)
    """Body for another method, as 405; None: as if the path did not exist."""
    busy: Busy = Busy()
    goes_on: bool = False
    """A last message of the assistant's is gone on with unasked."""
    early_head: bool = False
    """The head of a stream is sent before the first token."""
    error_done: bool = True
    """An error event is followed by `[DONE]`."""
    midstream: Midstream = Midstream.EVENT
    incomplete: str = "response.incomplete"
    """How `/v1/responses` ends when `max_output_tokens` cuts it."""
    metrics: Names = Names.NONE
    metrics_path: str = "/metrics"
    loading: object = None
    """What every path answers, as 503, until the model is loaded; None: connections are refused."""
    asleep: object = None
    """What inference answers, as 503, in sleep; None: it waits until the engine wakes."""
    http10: bool = False
    """HTTP/1.0 without keep-alive; a body ends with the connection."""


OPENAI_APIS: Mapping[str, Api] = {
    "/v1/chat/completions": Api.CHAT,
    "/v1/completions": Api.TEXT,
    "/v1/embeddings": Api.EMBEDDINGS,
}
RESPONSES: Mapping[str, Api] = {"/v1/responses": Api.RESPONSES}
MESSAGES: Mapping[str, Api] = {"/v1/messages": Api.MESSAGES}
COUNT: Mapping[str, Api] = {"/v1/messages/count_tokens": Api.COUNT_TOKENS}
OLLAMA_APIS: Mapping[str, Api] = {
    "/api/chat": Api.OLLAMA_CHAT,
    "/api/generate": Api.OLLAMA_GENERATE,
    "/api/embed": Api.OLLAMA_EMBED,
    "/api/embeddings": Api.OLLAMA_EMBEDDINGS,
    "/api/show": Api.SHOW,
}


def below(prefix: str, apis: Mapping[str, Api]) -> dict[str, Api]:
    """Return the same paths under a prefix."""
    return {prefix + path: api for path, api in apis.items()}


def models(**fields: object) -> dict[str, object]:
    """Return the template of an OpenAI model list whose rows have these further fields."""
    row = {"id": "$model", "object": "model", "created": "$created", **fields}
    return {"object": "list", "data": Each(row)}
