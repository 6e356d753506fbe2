"""Ollama /api/chat and /api/generate -> OpenAI chat and completions: the requests.

docs/reference/translation.md is the table of what happens to each field and why.
"""

from typing import Any, Final, Literal

import msgspec

from proxy.dialects.translate import parts
from proxy.dialects.translate.base import Refusal, Settled, Translated, Uncarried
from proxy.dialects.translate.ollama_answer import JSON, OllamaAnswer, control
from proxy.dialects.translate.ollama_messages import Message, messages
from proxy.dialects.translate.ollama_options import Options, sampling
from proxy.dialects.translate.prefill import continued, prefilled
from proxy.dialects.translate.reading import Known, check_absent, decode, given, schema
from proxy.dialects.translate.thinking import switches

CHAT: Final = "/v1/chat/completions"
COMPLETIONS: Final = "/v1/completions"


class Function(Known):
    """What a tool is called and takes. Its schema passes as it is."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class Tool(Known):
    """A tool of the caller's own."""

    function: Function
    type: Literal["function"] = "function"
    items: Any = None  # written by Ollama's own Go types, always empty


class _Request(Known):
    """The fields both paths have. `stream` is true unless it is said to be false."""

    model: str
    stream: bool | None = None
    options: Options | None = None
    format: Any = None
    keep_alive: float | str | None = None
    think: bool | Literal["low", "medium", "high", "max"] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    # Whether a prompt that is too long is shortened: the engine answers with an error instead.
    truncate: bool | None = None
    shift: bool | None = None
    name: Any = None  # the old word for `model`; the value is the same
    _debug_render_only: Any = None


class Chat(_Request):
    """All fields of `POST /api/chat`."""

    messages: list[Message] | None = None
    tools: list[Tool] | None = None


class Generate(_Request):
    """All fields of `POST /api/generate`."""

    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    raw: bool | None = None
    images: list[str] | None = None
    template: str | None = None
    context: list[int] | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None


_REFUSED: Final = {"_debug_render_only": "the prompt is made by the engine."}
_IMAGE: Final = "an engine for text makes no images."
_GENERATE_REFUSED: Final = {
    **_REFUSED,
    "template": "the engine has its own; send `raw` with the prompt as it is to be.",
    "context": "it is in the tokens of another engine; send the text, or use /api/chat.",
    "width": _IMAGE,
    "height": _IMAGE,
    "steps": _IMAGE,
}
_CHAT_LISTS: Final = {"messages": Message, "tools": Tool}
_chat: Final = msgspec.json.Decoder(Chat)
_generate: Final = msgspec.json.Decoder(Generate)


def chat(body: bytes, *, request_id: str, created: float) -> Translated | Settled | Refusal:
    """Translate the body of `POST /api/chat`."""
    try:
        asked = decode(body, _chat, _CHAT_LISTS)
        check_absent(asked, _REFUSED)
        if not asked.messages:
            return _settled(asked, created, chat=True)
        fields = _fields(asked)
        fields["messages"] = messages(asked.messages)
        words = prefilled(fields["messages"])
        fields |= continued(words)
        if asked.tools:
            fields["tools"] = [
                {
                    "type": "function",
                    "function": given(
                        name=tool.function.name,
                        description=tool.function.description,
                        parameters=schema(
                            tool.function.parameters, f"tools[{number}].function.parameters"
                        ),
                        strict=tool.function.strict,
                    ),
                }
                for number, tool in enumerate(asked.tools)
            ]
    except Uncarried as verdict:
        return verdict.refusal
    answer = OllamaAnswer(request_id, created, model=asked.model, prefill=words)
    return _translated(fields, CHAT, answer)


def generate(body: bytes, *, request_id: str, created: float) -> Translated | Settled | Refusal:
    """Translate the body of `POST /api/generate`.

    A prompt is put into the model's template, as one message; a raw one, or one with a suffix, goes
    to the path for plain text.
    """
    try:
        asked = decode(body, _generate, {})
        check_absent(asked, _GENERATE_REFUSED)
        if not asked.prompt and not asked.suffix and not asked.images:
            return _settled(asked, created, chat=False)
        fields = _fields(asked)
        path = CHAT
        if asked.raw or asked.suffix:
            path = COMPLETIONS
            _add_plain(fields, asked)
        else:
            fields["messages"] = _prompt(asked)
    except Uncarried as verdict:
        return verdict.refusal
    answer = OllamaAnswer(request_id, created, model=asked.model, chat=False)
    return _translated(fields, path, answer)


def _translated(fields: dict[str, Any], path: str, answer: OllamaAnswer) -> Translated:
    body = msgspec.json.encode(fields)
    return Translated(body=body, path=path, stream=fields["stream"], answer=answer)


def _settled(asked: _Request, created: float, *, chat: bool) -> Settled:
    """Answer a request that only loads or unloads a model: here it is always loaded."""
    unload = asked.keep_alive is not None and _is_zero(asked.keep_alive)
    body = control(asked.model, created, "unload" if unload else "load", chat=chat)
    return Settled(body=body, content_type=JSON)


def _is_zero(keep_alive: float | str) -> bool:
    if isinstance(keep_alive, str):
        return keep_alive.strip("0.smh") == "" and keep_alive != ""
    return keep_alive == 0


def _fields(asked: _Request) -> dict[str, Any]:
    """Return the fields both paths have."""
    stream = asked.stream is not False
    fields = given(
        model=asked.model,
        stream=stream,
        stream_options={"include_usage": True} if stream else None,
        response_format=_shape(asked.format),
        logprobs=asked.logprobs or None,
        top_logprobs=asked.top_logprobs if asked.logprobs else None,
    )
    if asked.options is not None:
        fields |= sampling(asked.options)
    if asked.think is not None:
        fields |= switches(on=bool(asked.think))
        if isinstance(asked.think, str):
            fields["reasoning_effort"] = {"max": "high"}.get(asked.think, asked.think)
    return fields


def _shape(format: Any) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    if format is None or format == "":
        return None
    if format == "json":
        return {"type": "json_object"}
    if isinstance(format, dict):
        json_schema = {"name": "output", "schema": format, "strict": True}
        return {"type": "json_schema", "json_schema": json_schema}
    raise Uncarried("`format` is neither `json` nor a JSON schema.", "format", "invalid")


def _prompt(asked: Generate) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if asked.system:
        found.append({"role": "system", "content": asked.system})
    content = [parts.text(asked.prompt)] if asked.prompt else []
    for number, image in enumerate(asked.images or ()):
        content.append(parts.bare_image(image, f"images[{number}]"))
    found.append({"role": "user", "content": parts.content(content)})
    return found


def _add_plain(fields: dict[str, Any], asked: Generate) -> None:
    """Add what a text completion takes; raise for what only a chat can have."""
    why = {
        "images": "a raw prompt, or one with a suffix, is text alone.",
        "system": "a raw prompt, or one with a suffix, has no template to put it in.",
        "think": "a raw prompt, or one with a suffix, has no template to say it in.",
        "logprobs": "text completions have them in another shape; leave out `raw` and `suffix`.",
    }
    check_absent(asked, why)
    fields.pop("chat_template_kwargs", None)
    fields["prompt"] = asked.prompt or ""
    if asked.suffix:
        fields["suffix"] = asked.suffix
