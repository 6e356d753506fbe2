"""A stream of Anthropic's Messages API, as an engine that speaks it gives it."""

from typing import Final

import msgspec
from typing_extensions import override

from proxy.core.tail import read_usage
from proxy.dialects.retelling.told import Told

_BONDS: Final = {
    "thinking": "the model has been reasoning",
    "redacted_thinking": "the model has been reasoning",
    "tool_use": "a tool is being called",
}
_MORE: Final = "its answer is more than one block of text"
_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""
    stop_reason: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    content_block: _Block | None = None
    delta: _Delta | None = None


_read: Final = msgspec.json.Decoder(_Event).decode


class ToldMessages(Told):
    """Events of one message."""

    __slots__ = ()

    @override
    def closing(self) -> bytes:
        return super().closing() + _STOP

    @override
    def _note(self, event: bytes, payload: bytes) -> bytes:
        read = _read(payload)
        if read.type == "ping":
            return event
        if read.type == "content_block_stop" and self._open:
            return self._hold(event)
        self._heard(read, payload)
        return self._release(event)

    def _heard(self, event: _Event, payload: bytes) -> None:
        match event.type:
            case "message_start":
                self._begun = True
                self._count_as(read_usage(payload)[0], None)
            case "content_block_start":
                self._start(event.content_block or _Block())
            case "content_block_delta":
                self._add_to(event.delta or _Delta())
            case "message_delta":
                self._count_as(*read_usage(payload))
                if event.delta is not None and event.delta.stop_reason is not None:
                    self._stop(event.delta.stop_reason)
            case "message_stop":
                self.done = True
            case _:
                pass

    def _start(self, block: _Block) -> None:
        if block.type != "text" or self._open:
            self._bind(_BONDS.get(block.type, _MORE))
        self._open = True
        if block.text:
            self._keep(block.text)

    def _add_to(self, delta: _Delta) -> None:
        if delta.type != "text_delta":
            self._bind("its answer is more than text")
        elif delta.text:
            self._keep(delta.text)
