"""Anthropic Messages -> OpenAI chat: the request, field by field.

docs/reference/translation.md is the table of what happens to each field and why.
"""

from typing import Any, Final, Literal

import msgspec

from proxy.dialects import threads
from proxy.dialects.translate.anthropic_answer import AnthropicAnswer
from proxy.dialects.translate.anthropic_messages import (
    CacheControl,
    Message,
    System,
    messages,
)
from proxy.dialects.translate.base import Refusal, Settled, Translated, Uncarried
from proxy.dialects.translate.prefill import continued, prefilled
from proxy.dialects.translate.reading import Known, check_absent, decode, given, schema
from proxy.dialects.translate.thinking import effort_of, switches

PATH: Final = "/v1/chat/completions"


class Tool(Known):
    """A tool of the caller's own. Tools Anthropic runs or knows by name have another `type`."""

    name: str
    input_schema: msgspec.Raw
    type: Literal["custom"] | None = None
    description: str | None = None
    strict: bool | None = None
    cache_control: CacheControl = None
    eager_input_streaming: bool | None = None  # arguments are always streamed as they come
    defer_loading: bool | None = None
    allowed_callers: list[Literal["direct"]] | None = None
    input_examples: list[Any] | None = None


class ToolChoice(Known):
    """Whether and which tools the model must use."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Known):
    """Whether the model reasons before it answers."""

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = None
    display: Literal["summarized", "omitted", "updates"] | None = None
    block_binding: Any = None  # about signatures, which are not checked here


class Format(Known):
    """The shape of the answer's text."""

    type: Literal["json_schema"]
    schema: msgspec.Raw


class OutputConfig(Known):
    """Effort and shape of the answer."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: Format | None = None
    task_budget: Any = None


class Metadata(Known):
    """Who asks."""

    user_id: str | None = None


class Request(Known):
    """All fields of `POST /v1/messages`, beta ones included."""

    model: str
    max_tokens: int
    messages: list[Message]
    system: str | list[System] | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    metadata: Metadata | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
    # Without meaning for an engine of one's own.
    cache_control: CacheControl = None
    service_tier: Any = None
    diagnostics: Any = None
    # Refused, see below.
    billing_policy: Any = None
    compaction: Any = None
    container: Any = None
    context_management: Any = None
    fallback_credit_token: Any = None
    fallbacks: Any = None
    inference_geo: Any = None
    mcp_servers: Any = None
    speed: Any = None
    thread: Any = None
    user_profile_id: Any = None
    workspace_id: Any = None


_CLOUD: Final = "only Anthropic's own service has it."
_REFUSED: Final = {
    "billing_policy": _CLOUD,
    "compaction": "the engine does not shorten conversations; send a shorter one.",
    "container": "there is no code execution here.",
    "fallback_credit_token": _CLOUD,
    "fallbacks": "list the models under models.aliases instead.",
    "inference_geo": "where an engine stands is not known here.",
    "mcp_servers": "the engine calls no tools itself; pass them as `tools`.",
    threads.FIELD: threads.WHY,
    "user_profile_id": _CLOUD,
    "workspace_id": _CLOUD,
}
_TOOL_REFUSED: Final = {
    "defer_loading": "there is no tool search; all tools are shown to the model.",
    "input_examples": "put them into the description.",
}
_LISTS: Final = {"messages": Message, "tools": Tool, "system": System}
_decoder: Final = msgspec.json.Decoder(Request)


def request(body: bytes, *, request_id: str, created: float) -> Translated | Settled | Refusal:
    """Translate the body of `POST /v1/messages`."""
    try:
        asked = decode(body, _decoder, _LISTS)
        check_absent(asked, _REFUSED)
        _check(asked)
        turns = messages(asked.system, asked.messages)
        words = prefilled(turns)
        chat = _chat(asked, turns) | continued(words)
    except Uncarried as verdict:
        return verdict.refusal
    return Translated(
        body=msgspec.json.encode(chat),
        path=PATH,
        stream=bool(asked.stream),
        answer=AnthropicAnswer(
            request_id,
            created,
            model=asked.model,
            stops=tuple(asked.stop_sequences or ()),
            thinking=asked.thinking is None or asked.thinking.display != "omitted",
            prefill=words,
        ),
    )


def _check(asked: Request) -> None:
    """Raise `Uncarried` for what has a place only with certain values."""
    edits = asked.context_management
    # What clients send to keep their own thinking blocks: here none is ever removed.
    if edits not in (None, {}) and not (
        isinstance(edits, dict)
        and all(
            edit.get("type") == "clear_thinking_20251015" and edit.get("keep") in ("all", None)
            for edit in edits.get("edits", ())
            if isinstance(edit, dict)
        )
    ):
        raise Uncarried(
            "`context_management` cannot be carried: the engine removes nothing from a "
            "conversation; leave it out, or send `clear_thinking_20251015` with `keep` `all`.",
            "context_management",
        )
    if asked.speed not in (None, "standard"):
        raise Uncarried(f"`speed` cannot be carried: {_CLOUD}", "speed")
    if asked.output_config is not None and asked.output_config.task_budget is not None:
        why = "the engine knows no budget over several calls; `max_tokens` bounds one."
        raise Uncarried(f"`output_config.task_budget` cannot be carried: {why}", "output_config")
    if asked.thinking is not None and asked.thinking.type == "between_tools":
        why = "the engine cannot be told to reason between tools alone; use `adaptive`."
        raise Uncarried(f"`thinking.type` cannot be carried: {why}", "thinking.type")
    for number, tool in enumerate(asked.tools or ()):
        check_absent(tool, _TOOL_REFUSED, f"tools[{number}].")


def _chat(asked: Request, turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the chat request."""
    chat = given(
        model=asked.model,
        messages=turns,
        stream=bool(asked.stream),
        stream_options={"include_usage": True} if asked.stream else None,
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        stop=asked.stop_sequences or None,
        user=asked.metadata.user_id if asked.metadata else None,
    )
    _add_tools(chat, asked)
    config = asked.output_config
    shape = (config.format if config else None) or asked.output_format
    if shape is not None:
        wanted = schema(shape.schema, "output_config.format.schema")
        json_schema = {"name": "output", "schema": wanted, "strict": True}
        chat["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    thinking = asked.thinking
    if thinking is not None and thinking.type != "adaptive":
        chat |= switches(on=thinking.type == "enabled")
    effort = config.effort if config else None
    if effort is not None:
        chat["reasoning_effort"] = {"xhigh": "high", "max": "high"}.get(effort, effort)
    elif thinking is not None and thinking.budget_tokens and thinking.type == "enabled":
        chat["reasoning_effort"] = effort_of(thinking.budget_tokens)
    return chat


def _add_tools(chat: dict[str, Any], asked: Request) -> None:
    if asked.tools:
        chat["tools"] = [
            {
                "type": "function",
                "function": given(
                    name=tool.name,
                    description=tool.description,
                    parameters=schema(tool.input_schema, f"tools[{number}].input_schema"),
                    strict=tool.strict,
                ),
            }
            for number, tool in enumerate(asked.tools)
        ]
    choice = asked.tool_choice
    if choice is None:
        return
    if choice.type == "tool":
        if not choice.name:
            raise Uncarried("`tool_choice.name` is missing.", "tool_choice.name", "invalid")
        chat["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif asked.tools or choice.type != "auto":
        chat["tool_choice"] = {"any": "required"}.get(choice.type, choice.type)
    if choice.disable_parallel_tool_use:
        chat["parallel_tool_calls"] = False
