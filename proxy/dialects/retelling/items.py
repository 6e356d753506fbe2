"""A stream of the Responses API, as an engine that speaks it gives it."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from proxy.core.tail import read_usage
from proxy.dialects.retelling.told import Told
from proxy.dialects.splicing import Splice
from proxy.dialects.translate.answering import ChatAnswer
from proxy.dialects.translate.responses_answer import ResponsesAnswer

_BONDS: Final = {
    "reasoning": "the model has been reasoning",
    "function_call": "a tool is being called",
}
_MORE: Final = "its answer is more than one message of text"
# What ends a text, and what begins a message without saying where its text will be.
_HELD: Final = frozenset(
    {
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
    }
)
_LAST: Final = frozenset({"response.completed", "response.incomplete"})


class _Part(msgspec.Struct):
    """An item, or a part of one."""

    type: str = ""
    id: str = ""


class _Event(msgspec.Struct):
    type: str = ""
    sequence_number: int | None = None
    delta: Any = None
    item: _Part | None = None
    part: _Part | None = None
    logprobs: list[Any] | None = None
    response: msgspec.Raw = msgspec.Raw(b"")


_read: Final = msgspec.json.Decoder(_Event).decode
_open: Final = msgspec.json.Decoder(dict[str, Any]).decode


class ToldItems(Told):
    """Events of one response."""

    __slots__ = ("_item", "_next", "_response")

    def __init__(self, room: int, most: int | None = None) -> None:
        super().__init__(room, most)
        self._response = b""  # as the first event says it
        self._item = ""  # id of the message
        self._next = 0  # the next event's number

    @override
    def retell(self, answer: ChatAnswer, now: float) -> Splice:
        if isinstance(answer, ResponsesAnswer) and self._begun:
            answer.adopt(_open(self._response), self._item if self._open else "")
        splice = super().retell(answer, now)
        if isinstance(answer, ResponsesAnswer):
            answer.sequence = self._next
        return splice

    @override
    def _note(self, event: bytes, payload: bytes) -> bytes:
        read = _read(payload)
        self._heard(read, payload)
        if read.type in _HELD and not self.objection:
            return self._hold(event)
        self._next = self._next + 1 if read.sequence_number is None else read.sequence_number + 1
        return self._release(event)

    def _heard(self, event: _Event, payload: bytes) -> None:
        kind = event.type
        if kind == "response.created":
            self._begun = True
            self._response = bytes(event.response)
            self._size += len(self._response)
        elif kind == "response.output_item.added":
            self._start(event.item or _Part())
        elif kind == "response.content_part.added":
            if self._open or (event.part or _Part()).type != "output_text":
                self._bind(_MORE)
            self._open = True
        elif kind == "response.output_text.delta":
            self._add_to(event)
        elif kind in _LAST:
            self.done = True
            self.finish = kind
            self._count_as(*read_usage(payload))
        elif kind != "response.in_progress" and kind not in _HELD:
            self._bind(_MORE)

    def _start(self, item: _Part) -> None:
        if item.type != "message" or self._item:
            self._bind(_BONDS.get(item.type, _MORE))
        self._item = item.id

    def _add_to(self, event: _Event) -> None:
        if event.logprobs:
            self._bind("it has probabilities")
        if isinstance(event.delta, str) and event.delta:
            self._keep(event.delta)
