"""Ollama's messages -> OpenAI's. Calls need ids there, which Ollama's messages may lack."""

from typing import Any, Literal

import msgspec

from proxy.dialects.translate import parts
from proxy.dialects.translate.base import Uncarried
from proxy.dialects.translate.reading import Known


class CalledFunction(Known):
    """A call: arguments are an object, not text."""

    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")
    index: Any = None
    description: Any = None


class ToolCall(Known):
    """A call of the model's."""

    function: CalledFunction
    id: str | None = None
    type: Any = None


class Message(Known):
    """One message."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None
    name: str | None = None  # what `tool_name` was called before


class _Pending:
    """The calls that have no result yet, oldest first."""

    __slots__ = ("_calls", "_made")

    def __init__(self) -> None:
        self._calls: list[tuple[str, str]] = []  # id, name
        self._made = 0

    def begin(self, calls: list[ToolCall]) -> list[dict[str, Any]]:
        """Return the calls as OpenAI has them, each with an id, and remember them."""
        found: list[dict[str, Any]] = []
        for call in calls:
            self._made += 1
            id = call.id or f"call_{self._made}"
            self._calls.append((id, call.function.name))
            arguments = bytes(call.function.arguments).decode()
            function = {"name": call.function.name, "arguments": arguments}
            found.append({"id": id, "type": "function", "function": function})
        return found

    def settle(self, message: Message, at: str) -> str:
        """Return the id of the call a result belongs to: as named, else by name, else the oldest.

        Raises `Uncarried` for a result without a call.
        """
        name = message.tool_name or message.name
        for number, (id, called) in enumerate(self._calls):
            if message.tool_call_id:
                if id != message.tool_call_id:
                    continue
            elif name and called != name:
                continue
            del self._calls[number]
            return id
        raise Uncarried(
            f"`{at}` is the result of a tool that no assistant message before it called.",
            at,
            "invalid",
        )


def messages(turns: list[Message]) -> list[dict[str, Any]]:
    """Return the chat messages. Raises `Uncarried`."""
    pending = _Pending()
    return [_message(turn, f"messages[{number}]", pending) for number, turn in enumerate(turns)]


def _message(turn: Message, at: str, pending: _Pending) -> dict[str, Any]:
    if turn.role == "tool":
        if turn.images:
            raise Uncarried(
                f"`{at}.images` cannot be carried: a tool's result is text alone; send the images "
                "in a user message after it.",
                f"{at}.images",
            )
        id = pending.settle(turn, at)
        return {"role": "tool", "tool_call_id": id, "content": turn.content or ""}
    message: dict[str, Any] = {"role": turn.role, "content": turn.content or ""}
    if turn.images:
        images = [
            parts.bare_image(image, f"{at}.images[{n}]") for n, image in enumerate(turn.images)
        ]
        message["content"] = [*([parts.text(turn.content)] if turn.content else []), *images]
    if turn.thinking:
        # llama.cpp, SGLang and mlx-lm read the first name, vLLM and Ollama the second.
        message |= {"reasoning_content": turn.thinking, "reasoning": turn.thinking}
    if turn.tool_calls:
        message["content"] = message["content"] or None
        message["tool_calls"] = pending.begin(turn.tool_calls)
    return message
