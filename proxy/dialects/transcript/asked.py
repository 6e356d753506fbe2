"""What a request says: its messages, the newest first in the room there is.

A conversation grows at its end, so when not all of it fits, the end is what tells one request from
the one before. Messages are read one by one from the last, and the rest is not looked at.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from proxy.core import bulk
from proxy.core.decoding import DECODE_ERRORS
from proxy.dialects.transcript import parts
from proxy.dialects.transcript.parts import Part, Room
from proxy.dialects.translate.chunks import ToolCall

_ROLE: Final = 32  # characters of a role
_NOTHING: Final = msgspec.Raw(b"")
_TEXTS: Final = frozenset({"text", "input_text", "output_text"})


class Asked(NamedTuple):
    """The messages and the instructions of a request. `unread` says why there are none."""

    messages: list[dict[str, Any]]
    system: list[Part]
    omitted: int = 0
    cut: bool = False
    unread: str = ""


class _Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = _NOTHING
    tool_use_id: str | None = None
    content: msgspec.Raw = _NOTHING


class _Message(msgspec.Struct):
    role: str = "user"
    content: str | list[_Block] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    thinking: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    images: list[msgspec.Raw] | None = None


class _Body(msgspec.Struct):
    messages: list[msgspec.Raw] | None = None
    prompt: msgspec.Raw = _NOTHING
    system: msgspec.Raw = _NOTHING
    images: list[msgspec.Raw] | None = None


_body: Final = msgspec.json.Decoder(_Body).decode
_message: Final = msgspec.json.Decoder(_Message, strict=False).decode
_words: Final = msgspec.json.Decoder(str | list[_Block] | None).decode
_prompts: Final = msgspec.json.Decoder(str | list[str]).decode


def read(operation: str, body: bytes, limit: int) -> Asked:
    """Return what a request of one of `READERS` says, in at most `limit` bytes."""
    if excess := bulk.excess(body):
        return Asked([], [], unread=f"the request has over {excess}")
    room = Room(limit)
    try:
        found = _body(body)
        messages, omitted = READERS[operation](room, found)
        system = _system(room, found.system)
    except DECODE_ERRORS:
        return Asked([], [], unread="the request cannot be read")
    return Asked(messages, system, omitted, room.cut)


def _conversation(room: Room, body: _Body) -> tuple[list[dict[str, Any]], int]:
    given = body.messages or []
    kept: list[dict[str, Any]] = []
    for raw in reversed(given):
        if not room.part():
            break
        message = _said(room, raw)
        if room.cut and not message["parts"]:
            break
        kept.append(message)
    kept.reverse()
    return kept, len(given) - len(kept)


def _said(room: Room, raw: msgspec.Raw) -> dict[str, Any]:
    try:
        message = _message(raw)
    except DECODE_ERRORS:
        return {"role": "user", "parts": parts.other(room, "unreadable")}
    content = message.content
    thought = message.reasoning_content or message.reasoning or message.thinking or ""
    found = parts.text(room, thought, "reasoning")
    if message.role == "tool":
        found += parts.tool_response(room, message.tool_call_id or "", _joined(content))
    elif isinstance(content, str):
        found += parts.text(room, content)
    else:
        for block in content or ():
            found += _part(room, block)
    for _ in message.images or ():
        found += parts.other(room, "image")
    for call in message.tool_calls or ():
        if call.function is not None:
            name, arguments = call.function.name or "", call.function.text
            found += parts.tool_call(room, call.id or "", name, arguments)
    return {"role": message.role[:_ROLE], "parts": found}


def _part(room: Room, block: _Block) -> list[Part]:
    kind = block.type
    if kind in _TEXTS:
        return parts.text(room, block.text or "")
    if kind == "refusal":
        return parts.text(room, block.refusal or "")
    if kind == "thinking":
        return parts.text(room, block.thinking or "", "reasoning")
    if kind == "tool_use":
        arguments = bytes(block.input).decode(errors="replace")
        return parts.tool_call(room, block.id or "", block.name or "", arguments)
    if kind == "tool_result":
        said = _joined(_words(block.content)) if bytes(block.content) else ""
        return parts.tool_response(room, block.tool_use_id or "", said)
    return parts.other(room, kind)


def _joined(content: str | list[_Block] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join([block.text for block in content if block.text])


def _system(room: Room, raw: msgspec.Raw) -> list[Part]:
    content = _words(raw) if bytes(raw) else None
    if isinstance(content, str):
        return parts.text(room, content)
    return [part for block in content or () for part in _part(room, block)]


def _texts(room: Room, body: _Body) -> tuple[list[dict[str, Any]], int]:
    """Return the prompts of text completions; those of token numbers are named as such."""
    raw = bytes(body.prompt)
    try:
        prompts = _prompts(raw) if raw else []
    except msgspec.ValidationError:
        return [{"role": "user", "parts": parts.other(room, "tokens")}], 0
    prompts = [prompts] if isinstance(prompts, str) else prompts
    kept: list[dict[str, Any]] = []
    for prompt in prompts:
        if not room.part():
            break
        kept.append({"role": "user", "parts": parts.text(room, prompt)})
    if kept:
        for _ in body.images or ():
            kept[-1]["parts"] += parts.other(room, "image")
    return kept, len(prompts) - len(kept)


_Reader = Callable[[Room, _Body], tuple[list[dict[str, Any]], int]]
# By the names in `openai_api.OPERATIONS`.
READERS: Final[Mapping[str, _Reader]] = MappingProxyType(
    {
        "chat": _conversation,
        "messages": _conversation,
        "ollama_chat": _conversation,
        "completions": _texts,
        "ollama_generate": _texts,
    }
)
