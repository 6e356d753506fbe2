"""Parts of messages in the shapes of OpenTelemetry's GenAI conventions, within a bound.

Text is counted in bytes of UTF-8, and each part as `PART` more for the JSON around it, so that
neither long texts nor many empty ones make more than was allowed. Where text is cut, `CUT` stands
behind it. Pictures, sound and files never become part of it: their kind is named, and no more.
"""

from collections.abc import Mapping
from typing import Any, Final

PART: Final = 64  # bytes a part counts besides its text
CUT: Final = "…[cut]"
_KIND: Final = 64  # characters of the name of a kind
_SHORT: Final = 256  # bytes of an id, or of the name of a tool

Part = dict[str, Any]


class Room:
    """The bytes left for one direction of a call. `cut`: something did not fit."""

    __slots__ = ("_left", "cut")

    def __init__(self, size: int) -> None:
        self._left = size
        self.cut = False

    def part(self) -> bool:
        """Take the room of one more part; false if there is none."""
        if self.cut or self._left < PART:
            self.cut = True
            return False
        self._left -= PART
        return True

    def take(self, said: str, most: int | None = None) -> str:
        """Return the text, or as much of its beginning as fits, and then nothing any more.

        With `most` no more than so many bytes are taken in any case.
        """
        if self.cut or not said:
            return ""
        raw = said.encode(errors="replace")
        if most is not None:
            raw = raw[:most]
        if len(raw) > self._left:
            raw = raw[: self._left]
            self.cut = True
        self._left -= len(raw)
        return raw.decode(errors="ignore") + (CUT if self.cut else "")

    def short(self, said: str) -> str:
        """Return an id or a name."""
        return self.take(said, _SHORT)


def text(room: Room, said: str, kind: str = "text") -> list[Part]:
    """Return a part of text, or of reasoning; none without text or room."""
    return [{"type": kind, "content": room.take(said)}] if said and room.part() else []


def tool_call(room: Room, ident: str, name: str, arguments: str) -> list[Part]:
    """Return the part of a tool call; the arguments are the JSON text they are."""
    if not room.part():
        return []
    words = {"id": room.short(ident), "name": room.short(name), "arguments": room.take(arguments)}
    return [_with("tool_call", words)]


def tool_response(room: Room, ident: str, said: str) -> list[Part]:
    """Return the part of what a tool has said."""
    if not room.part():
        return []
    return [_with("tool_call_response", {"id": room.short(ident), "response": room.take(said)})]


def other(room: Room, kind: str) -> list[Part]:
    """Return the part that stands for what is not recorded, as a picture."""
    return [{"type": kind[:_KIND] or "unknown"}] if room.part() else []


def _with(kind: str, words: Mapping[str, str]) -> Part:
    # Without an id a part has none: the conventions know no empty one.
    return {"type": kind, **{name: word for name, word in words.items() if word or name != "id"}}
