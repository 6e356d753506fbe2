"""OpenAI Responses -> OpenAI chat: the request, field by field.

docs/reference/translation.md is the table of what happens to each field and why.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from proxy.dialects.translate import namespaces
from proxy.dialects.translate.base import Refusal, Settled, Translated, Uncarried
from proxy.dialects.translate.reading import (
    Known,
    check_absent,
    convert,
    decode,
    given,
    kept,
    schema,
)
from proxy.dialects.translate.responses_answer import ResponsesAnswer
from proxy.dialects.translate.responses_input import Conversation
from proxy.dialects.translate.thinking import switches

PATH: Final = "/v1/chat/completions"


class FunctionTool(Known):
    """A function of the caller's own."""

    type: Literal["function"]
    name: str
    parameters: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None
    description: str | None = None
    allowed_callers: list[Literal["direct"]] | None = None
    defer_loading: bool | None = None
    output_schema: Any = None
    asynchronous: bool | None = msgspec.field(default=None, name="async")


class Choice(Known):
    """Which function the model must call, or which it may."""

    type: Literal["function", "allowed_tools"]
    name: str | None = None
    mode: Literal["auto", "required"] = "auto"
    tools: list[dict[str, Any]] | None = None


class Shape(Known):
    """The shape of the answer's text."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: msgspec.Raw = msgspec.Raw()
    description: str | None = None
    strict: bool | None = None


class Text(Known):
    """Shape and length of the answer's text."""

    format: Shape | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(Known):
    """How hard the model reasons. Reasoning is given in full, so a summary is not made."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Any = None
    generate_summary: Any = None
    context: Any = None
    mode: Literal["standard"] | None = None


class Request(Known):
    """All fields of `POST /v1/responses`."""

    model: str
    input: str | list[msgspec.Raw] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    metadata: dict[str, str] | None = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    safety_identifier: str | None = None
    stream: bool | None = None
    temperature: float | None = None
    text: Text | None = None
    tool_choice: Literal["none", "auto", "required"] | Choice | None = None
    tools: list[msgspec.Raw] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    user: str | None = None
    include: list[str] | None = None
    store: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    # Without meaning for an engine of one's own.
    access_programs: Any = None
    client_metadata: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    service_tier: Any = None
    stream_options: Any = None
    # Refused, see below.
    background: bool | None = None
    background_options: Any = None
    context_management: Any = None
    conversation: Any = None
    image: Any = None
    max_tool_calls: Any = None
    moderation: Any = None
    previous_response_id: Any = None
    prompt: Any = None


_STATE: Final = "no answer is kept here; send the whole conversation as `input`."
_REFUSED: Final = {
    "background": _STATE,
    "background_options": _STATE,
    "context_management": "the engine does not shorten conversations; send a shorter one.",
    "conversation": _STATE,
    "image": "the engine has no such setting.",
    "max_tool_calls": "the engine calls no tools itself.",
    "moderation": "the engine does not moderate.",
    "previous_response_id": _STATE,
    "prompt": "no prompts are kept here; send the text as `instructions` and `input`.",
    "store": _STATE,
}
_TOOL_REFUSED: Final = {
    "defer_loading": "there is no tool search; all tools are shown to the model.",
    "asynchronous": "the engine cannot go on while a function runs.",
}
_LOGPROBS: Final = "message.output_text.logprobs"
# The second has no meaning: an engine's reasoning comes in the open, and is read back so.
_INCLUDED: Final = (_LOGPROBS, "reasoning.encrypted_content")
_EFFORTS: Final = {"minimal": "low", "xhigh": "high", "max": "high"}
_decoder: Final = msgspec.json.Decoder(Request)


class _ToolType(msgspec.Struct):
    type: str | None = None


def request(body: bytes, *, request_id: str, created: float) -> Translated | Settled | Refusal:
    """Translate the body of `POST /v1/responses`."""
    try:
        asked = decode(body, _decoder, {})
        _check(asked)
        tools, names = _tools(asked)
        chat = _chat(asked, tools)
    except Uncarried as verdict:
        return verdict.refusal
    return Translated(
        body=msgspec.json.encode(chat),
        path=PATH,
        stream=bool(asked.stream),
        answer=ResponsesAnswer(request_id, created, echo=_echo(asked), names=names),
    )


def _check(asked: Request) -> None:
    """Raise `Uncarried` for what has no place, or only with certain values."""
    check_absent(asked, _REFUSED)
    if asked.truncation == "auto":
        why = "the engine does not shorten conversations; it answers a long one with an error."
        raise Uncarried(f"`truncation` `auto` cannot be carried: {why}", "truncation")
    for number, name in enumerate(asked.include or ()):
        if name not in _INCLUDED:
            at = f"include[{number}]"
            allowed = ", ".join(_INCLUDED)
            raise Uncarried(f"`{at}` {name!r} cannot be carried; allowed are {allowed}.", at)
    if asked.input in (None, "", []):
        raise Uncarried("`input` is missing.", "input", "invalid")


def _chat(asked: Request, tools: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the chat request."""
    conversation = Conversation(asked.instructions)
    if isinstance(asked.input, str):
        conversation.found.append({"role": "user", "content": asked.input})
    else:
        for number, item in enumerate(asked.input or ()):
            conversation.add(item, f"input[{number}]")
    logprobs = _LOGPROBS in (asked.include or ())
    chat = given(
        model=asked.model,
        messages=conversation.finish(),
        stream=bool(asked.stream),
        stream_options={"include_usage": True} if asked.stream else None,
        max_tokens=asked.max_output_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        parallel_tool_calls=asked.parallel_tool_calls if asked.tools else None,
        user=asked.user or asked.safety_identifier,
        logprobs=True if logprobs or asked.top_logprobs else None,
        top_logprobs=asked.top_logprobs,
        response_format=_shape(asked.text.format) if asked.text and asked.text.format else None,
        verbosity=asked.text.verbosity if asked.text else None,
    )
    effort = asked.reasoning.effort if asked.reasoning else None
    if effort == "none":
        chat |= switches(on=False)
    elif effort is not None:
        chat["reasoning_effort"] = _EFFORTS.get(effort, effort)
    _add_tools(chat, asked.tool_choice, tools)
    return chat


def _shape(shape: Shape) -> dict[str, Any] | None:
    if shape.type == "text":
        return None
    if shape.type == "json_object":
        return {"type": "json_object"}
    wanted = schema(shape.schema, "text.format.schema")
    if wanted is None:
        raise Uncarried("`text.format.schema` is missing.", "text.format.schema", "invalid")
    json_schema = given(
        name=shape.name or "output",
        schema=wanted,
        description=shape.description,
        strict=shape.strict,
    )
    return {"type": "json_schema", "json_schema": json_schema}


def _tools(asked: Request) -> tuple[list[dict[str, Any]], namespaces.Names]:
    """Return the functions, and which of them a namespace calls otherwise."""
    tools = []
    names: dict[str, tuple[str, str]] = {}
    for number, raw in enumerate(asked.tools or ()):
        at = f"tools[{number}]"
        if convert(raw, _ToolType, at).type != "namespace":
            tools.append(_tool(raw, at))
            continue
        for space, member, place in namespaces.members(raw, at):
            tool = _tool(member, place)
            tools.append(namespaces.renamed(tool, space))
            own = tool["function"]["name"]
            names[namespaces.flat(space.name, own)] = (space.name, own)
    return tools, namespaces.names(tools, names)


def _add_tools(
    chat: dict[str, Any], choice: str | Choice | None, tools: list[dict[str, Any]]
) -> None:
    if isinstance(choice, Choice):
        if choice.type == "function":
            if not choice.name:
                raise Uncarried("`tool_choice.name` is missing.", "tool_choice.name", "invalid")
            chat["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
        else:
            # Engines know no such list: the model is shown the allowed functions alone.
            allowed = {tool.get("name") for tool in choice.tools or ()}
            tools = [tool for tool in tools if tool["function"]["name"] in allowed]
            chat["tool_choice"] = choice.mode
    elif choice is not None and (tools or choice != "auto"):
        chat["tool_choice"] = choice
    if tools:
        chat["tools"] = tools


def _tool(raw: msgspec.Raw, at: str) -> dict[str, Any]:
    kind = convert(raw, _ToolType, at).type
    if kind != "function":
        raise Uncarried(
            f"`{at}.type` {kind!r} cannot be carried: only functions of the caller's own reach an "
            "engine that speaks the OpenAI chat API.",
            f"{at}.type",
        )
    tool = convert(raw, FunctionTool, at)
    check_absent(tool, _TOOL_REFUSED, f"{at}.")
    function = given(
        name=tool.name,
        description=tool.description,
        parameters=schema(tool.parameters, f"{at}.parameters"),
        strict=tool.strict,
    )
    return {"type": "function", "function": function}


def _echo(asked: Request) -> Mapping[str, Any]:
    """Return what every response says again of its request."""
    text = asked.text
    shape: Any = {"type": "text"}
    if text is not None and text.format is not None:
        shape = given(**{**msgspec.structs.asdict(text.format), "schema": kept(text.format.schema)})
    reasoning = asked.reasoning
    return {
        "background": False,
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "metadata": asked.metadata or {},
        "model": asked.model,
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "previous_response_id": None,
        "reasoning": {"effort": reasoning.effort if reasoning else None, "summary": None},
        "store": False,
        "temperature": asked.temperature,
        "text": given(format=shape, verbosity=text.verbosity if text else None),
        "tool_choice": _echoed(asked.tool_choice),
        "tools": asked.tools or [],
        "top_logprobs": asked.top_logprobs,
        "top_p": asked.top_p,
        "truncation": "disabled",
        "user": asked.user,
    }


def _echoed(choice: str | Choice | None) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(choice, Choice):
        return choice or "auto"
    if choice.type == "function":
        return {"type": "function", "name": choice.name}
    return {"type": "allowed_tools", "mode": choice.mode, "tools": choice.tools or []}
