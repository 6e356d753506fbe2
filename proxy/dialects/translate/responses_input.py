"""The input items of OpenAI Responses -> chat messages.

A turn of the model's is several items there (reasoning, text, calls) and one message here, so what
stands between two items of somebody else is put together.
"""

from typing import Any, Final, Literal

import msgspec

from proxy.dialects.translate import parts
from proxy.dialects.translate.base import Uncarried
from proxy.dialects.translate.namespaces import flat
from proxy.dialects.translate.reading import Known, convert, given, joined


class _Item(Known):
    """What may stand on any item, and says nothing to an engine."""

    id: str | None = None
    type: str | None = None
    status: str | None = None


class Message(_Item, kw_only=True):
    """Text and images of one side. Items without a `type` are messages."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[msgspec.Raw]
    phase: Any = None


class FunctionCall(_Item, kw_only=True):
    """A call of the model's."""

    call_id: str
    name: str
    arguments: str
    caller: Any = None
    namespace: str | None = None


class FunctionCallOutput(_Item, kw_only=True):
    """What a function gave."""

    call_id: str
    output: str | list[msgspec.Raw]
    caller: Any = None
    name: str | None = None
    namespace: str | None = None


class ReasoningText(Known):
    """A piece of reasoning, or of its summary."""

    text: str
    type: Literal["reasoning_text", "summary_text"]


class Reasoning(_Item, kw_only=True):
    """Reasoning of the model's; what is encrypted only OpenAI can read."""

    summary: list[ReasoningText] | None = None
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None


class Part(Known):
    """A part of a message's content."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    input_audio: dict[str, str] | None = None
    annotations: Any = None
    logprobs: Any = None
    prompt_cache_breakpoint: Any = None


class _Tag(msgspec.Struct):
    type: str | None = None
    role: str | None = None


_TYPES: Final[dict[str, Any]] = {
    "message": Message,
    "function_call": FunctionCall,
    "function_call_output": FunctionCallOutput,
    "reasoning": Reasoning,
}


class Conversation:
    """Collects the chat messages of one request."""

    __slots__ = ("_calls", "_images", "_reasoning", "_texts", "found")

    def __init__(self, instructions: str | None) -> None:
        self.found: list[dict[str, Any]] = []
        self._texts: list[str] = []  # of the model's turn that is being put together
        self._reasoning: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._images: list[dict[str, Any]] = []  # of results, to follow the last of them
        if instructions:
            self.found.append({"role": "system", "content": instructions})

    def add(self, raw: msgspec.Raw, at: str) -> None:
        """Take one input item. Raises `Uncarried`."""
        tag = convert(raw, _Tag, at).type or "message"
        if tag not in _TYPES:
            raise Uncarried(
                f"`{at}` is a {tag!r}, which cannot be carried to an engine that speaks the "
                f"OpenAI chat API; items may be {', '.join(_TYPES)}.",
                f"{at}.type",
            )
        item = convert(raw, _TYPES[tag], at)
        if isinstance(item, Message):
            self._message(item, at)
        elif isinstance(item, FunctionCall):
            self._settle()
            name = flat(item.namespace, item.name)
            function = {"name": name, "arguments": item.arguments}
            self._calls.append({"id": item.call_id, "type": "function", "function": function})
        elif isinstance(item, FunctionCallOutput):
            self._output(item, at)
        else:
            self._settle()
            self._reasoning += [part.text for part in item.content or item.summary or ()]

    def finish(self) -> list[dict[str, Any]]:
        """Return the messages."""
        self._turn()
        self._settle()
        return self.found

    def _message(self, item: Message, at: str) -> None:
        content = _content(item.content, f"{at}.content")
        if item.role == "assistant":
            if not isinstance(content, str):
                raise Uncarried(f"`{at}.content`: an assistant sends text alone.", at, "invalid")
            self._settle()
            self._texts.append(content)
            return
        self._turn()
        self._settle()
        # Templates know no developers; and many want what the system says once, and first.
        role = "system" if item.role == "developer" else item.role
        last = self.found[-1] if self.found else {}
        before = last.get("content")
        both = role == "system" == last.get("role")
        if both and isinstance(before, str) and isinstance(content, str):
            last["content"] = joined([before, content])
            return
        self.found.append({"role": role, "content": content})

    def _output(self, item: FunctionCallOutput, at: str) -> None:
        self._turn()
        content = _content(item.output, f"{at}.output")
        if not isinstance(content, str):
            # A tool's message holds text alone; few templates would show an image in it.
            texts = [part["text"] for part in content if part["type"] == "text"]
            self._images.append(parts.text(f"From the result of tool call {item.call_id}:"))
            self._images += [part for part in content if part["type"] != "text"]
            content = joined(texts) or "The result is in the message that follows."
        self.found.append({"role": "tool", "tool_call_id": item.call_id, "content": content})

    def _settle(self) -> None:
        """Add the images of the results before."""
        if self._images:
            self.found.append({"role": "user", "content": self._images})
            self._images = []

    def _turn(self) -> None:
        """Add the model's turn, if one was begun."""
        if not (self._texts or self._reasoning or self._calls):
            return
        message: dict[str, Any] = {"role": "assistant", "content": joined(self._texts)}
        if thought := joined(self._reasoning):
            # llama.cpp, SGLang and mlx-lm read the first name, vLLM and Ollama the second.
            message |= {"reasoning_content": thought, "reasoning": thought}
        if self._calls:
            message["content"] = message["content"] or None
            message["tool_calls"] = self._calls
        self.found.append(message)
        self._texts, self._reasoning, self._calls = [], [], []


def _content(content: str | list[msgspec.Raw], at: str) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    return parts.content([_part(raw, f"{at}[{n}]") for n, raw in enumerate(content)])


def _part(raw: msgspec.Raw, at: str) -> dict[str, Any]:
    part = convert(raw, Part, at)
    if part.type in ("input_text", "output_text", "text") and part.text is not None:
        return parts.text(part.text)
    if part.type == "refusal" and part.refusal is not None:
        return parts.text(part.refusal)
    if part.type == "input_image" and part.image_url:
        return parts.image(part.image_url, part.detail)
    if part.type == "input_audio" and part.input_audio:
        return given(type="input_audio", input_audio=part.input_audio)
    why = "files are not kept here" if part.file_id else "it has no place in a chat message"
    raise Uncarried(f"`{at}` ({part.type}) cannot be carried: {why}.", at)
