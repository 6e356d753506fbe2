"""What an answer says, in each caller's dialect: whole, or event by event of a stream.

A reader takes one payload (an event, a line, or a whole answer) and adds what it says. What cannot
be read says nothing. Once the room is used up only the reason for the end is still of interest.
"""

import re
from collections.abc import Callable, Mapping
from io import StringIO
from types import MappingProxyType
from typing import Any, Final

import msgspec

from proxy.core.decoding import DECODE_ERRORS
from proxy.dialects.transcript.parts import Part, Room
from proxy.dialects.translate import chunks
from proxy.dialects.translate.chunks import ToolCall

_NOTHING: Final = msgspec.Raw(b"")
_ENDS: Final = re.compile(rb'"(?:finish|stop|done)_reason"[ \t]*:[ \t]*"').search
_CALL: Final = "tool_call"
_REASON: Final = 64  # characters of a reason nobody knows
# What the conventions call them; all others keep their names.
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tool_calls": "tool_call",
        "function_call": "tool_call",
        "tool_use": "tool_call",
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "refusal": "content_filter",
    }
)


class _Piece:
    """One part of an answer while it grows."""

    __slots__ = ("ident", "key", "kind", "name", "text")

    def __init__(self, kind: str, key: int | None, ident: str, name: str) -> None:
        self.kind = kind
        self.key = key  # tells the calls of tools apart
        self.ident = ident
        self.name = name
        self.text = StringIO()

    def part(self) -> Part:
        said = self.text.getvalue()
        if self.kind != _CALL:
            return {"type": self.kind, "content": said}
        found = {"type": self.kind, "name": self.name, "arguments": said}
        return {**found, "id": self.ident} if self.ident else found


class Answered:
    """The choices of one answer, in the room there is."""

    __slots__ = ("_choices", "_reasons", "room")

    def __init__(self, room: Room) -> None:
        self.room = room
        self._choices: dict[int, list[_Piece]] = {}
        self._reasons: dict[int, str] = {}

    def wants(self, payload: bytes) -> bool:
        """Tell whether a payload may say what is still to be noted."""
        return not self.room.cut or _ENDS(payload) is not None

    def say(self, choice: int, said: str | None, kind: str = "text") -> None:
        """Add text, or reasoning, to a choice."""
        if said:
            found = self._choices.get(choice)
            last = found[-1] if found else None
            fits = last is not None and last.kind == kind
            self._add(last if fits else self._begin(choice, kind, None, "", ""), said)

    def call(self, choice: int, key: int | None, ident: str, name: str, arguments: str) -> None:
        """Add a tool call to a choice, or the next piece of the arguments of the one of `key`."""
        found = self._called(choice, key) if key is not None or not name else None
        if found is not None and name and ident not in {"", found.ident}:
            found = None  # some engines number all calls 0
        if found is None:
            found = self._begin(choice, _CALL, key, ident, name)
        self._add(found, arguments)

    def stop(self, choice: int, reason: str | None) -> None:
        """Note why a choice ended. Of one that has said nothing too, as far as there is room."""
        known = choice in self._choices or choice in self._reasons
        if reason and (known or self.room.part()):
            self._reasons[choice] = _REASONS.get(reason, reason[:_REASON])

    def messages(self) -> list[dict[str, Any]]:
        """Return the choices as messages; one without a reason was broken off."""
        return [
            {
                "role": "assistant",
                "parts": [piece.part() for piece in self._choices.get(index, ())],
                "finish_reason": self._reasons.get(index, "error"),
            }
            for index in sorted({*self._choices, *self._reasons})
        ]

    def _called(self, choice: int, key: int | None) -> _Piece | None:
        calls = (one for one in reversed(self._choices.get(choice, ())) if one.kind == _CALL)
        return next((one for one in calls if key in {None, one.key}), None)

    def _begin(
        self, choice: int, kind: str, key: int | None, ident: str, name: str
    ) -> _Piece | None:
        room = self.room
        if not room.part():
            return None
        piece = _Piece(kind, key, room.short(ident), room.short(name))
        self._choices.setdefault(choice, []).append(piece)
        return piece

    def _add(self, piece: _Piece | None, said: str) -> None:
        if piece is not None:
            piece.text.write(self.room.take(said))


# OpenAI ------------------------------------------------------------------------------------------


def _openai(payload: bytes, into: Answered) -> None:
    read = chunks.read(payload)
    for choice in (read.choices if read is not None else None) or ():
        index = choice.index or 0
        said = choice.delta or choice.message
        into.say(index, choice.text)
        if said is not None:
            into.say(index, said.reasoning_content or said.reasoning, "reasoning")
            into.say(index, said.content)
            into.say(index, said.refusal)
            _calls(into, index, said.tool_calls)
        into.stop(index, choice.finish_reason)


def _calls(into: Answered, choice: int, calls: list[ToolCall] | None) -> None:
    for call in calls or ():
        made = call.function
        if made is not None:
            into.call(choice, call.index, call.id or "", made.name or "", made.text)


# Anthropic ---------------------------------------------------------------------------------------


class _Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = _NOTHING
    stop_reason: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int | None = None
    content_block: _Block | None = None
    delta: _Block | None = None
    content: list[_Block] | None = None
    stop_reason: str | None = None


_event: Final = msgspec.json.Decoder(_Event).decode


def _anthropic(payload: bytes, into: Answered) -> None:
    try:
        event = _event(payload)
    except DECODE_ERRORS:
        return
    if event.content_block is not None:
        _block(into, event.content_block, event.index, whole=False)
    for block in event.content or ():
        _block(into, block, None, whole=True)
    delta = event.delta
    if delta is not None:
        into.say(0, delta.text)
        into.say(0, delta.thinking, "reasoning")
        if delta.partial_json:
            into.call(0, event.index, "", "", delta.partial_json)
        into.stop(0, delta.stop_reason)
    into.stop(0, event.stop_reason)


def _block(into: Answered, block: _Block, key: int | None, *, whole: bool) -> None:
    into.say(0, block.text)
    into.say(0, block.thinking, "reasoning")
    if block.type == "tool_use":
        # What a stream opens with is an empty object; the arguments follow in pieces.
        # The decoder does not look at bytes inside what it leaves raw.
        arguments = bytes(block.input).decode(errors="replace") if whole else ""
        into.call(0, key, block.id or "", block.name or "", arguments)


# Ollama ------------------------------------------------------------------------------------------


class _Said(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[ToolCall] | None = None


class _Line(msgspec.Struct):
    message: _Said | None = None
    response: str | None = None
    thinking: str | None = None
    done_reason: str | None = None


_line: Final = msgspec.json.Decoder(_Line).decode


def _ollama(payload: bytes, into: Answered) -> None:
    try:
        line = _line(payload)
    except DECODE_ERRORS:
        return
    into.say(0, line.thinking, "reasoning")
    into.say(0, line.response)
    if line.message is not None:
        into.say(0, line.message.thinking, "reasoning")
        into.say(0, line.message.content)
        _calls(into, 0, line.message.tool_calls)
    into.stop(0, line.done_reason)


# By the names in `openai_api.OPERATIONS`.
READERS: Final[Mapping[str, Callable[[bytes, Answered], None]]] = MappingProxyType(
    {
        "chat": _openai,
        "completions": _openai,
        "messages": _anthropic,
        "ollama_chat": _ollama,
        "ollama_generate": _ollama,
    }
)
