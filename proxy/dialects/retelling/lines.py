"""A stream of Ollama's chat, as Ollama gives it: one JSON object a line."""

import re
from typing import Any, ClassVar, Final

import msgspec
from typing_extensions import override

from proxy.core.decoding import DECODE_ERRORS
from proxy.dialects.retelling.told import Told
from proxy.dialects.splicing import Splice
from proxy.dialects.translate.answering import ChatAnswer
from proxy.dialects.translate.ollama_answer import OllamaAnswer


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Any] | None = None
    images: list[Any] | None = None


class _Line(msgspec.Struct):
    model: str = ""
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    logprobs: list[Any] | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None


class _Options(msgspec.Struct, frozen=True):
    num_ctx: Any = None


class _Request(msgspec.Struct):
    options: _Options | None = None


_request: Final = msgspec.json.Decoder(_Request).decode
_read: Final = msgspec.json.Decoder(_Line).decode


class ToldLines(Told):
    """Lines of one chat."""

    stream: ClassVar = "ndjson"
    ends: ClassVar = re.compile(rb"\n")
    __slots__ = ("_model",)

    def __init__(self, room: int, most: int | None = None) -> None:
        super().__init__(room, most)
        self._model = ""

    @staticmethod
    @override
    def fits(body: bytes, /) -> bool:
        # Without `num_ctx` an engine reads with its usual context, and may cut the beginning off.
        try:
            options = _request(body).options
        except DECODE_ERRORS:
            return False
        return options is None or options.num_ctx is None

    @override
    def retell(self, answer: ChatAnswer, now: float) -> Splice:
        if isinstance(answer, OllamaAnswer) and self._model:
            answer.model = self._model
        return super().retell(answer, now)

    @override
    def _opened(self, event: bytes) -> tuple[bytes, bytes]:
        return event.strip(), b""

    @override
    def _note(self, event: bytes, payload: bytes) -> bytes:
        self._heard(_read(payload))
        return event

    def _heard(self, line: _Line) -> None:
        self._begun = True
        self._model = line.model
        message = line.message or _Message()
        if bond := _bond(line, message):
            self._bind(bond)
        if message.content:
            self._open = True
            self._keep(message.content)
        if line.done:
            self.done = True
            self._count_as(line.prompt_eval_count, line.eval_count)
            self._stop(line.done_reason or "stop")


def _bond(line: _Line, message: _Message) -> str:
    """Return what in a line is more than text."""
    if message.tool_calls:
        return "a tool is being called"
    if message.thinking:
        return "the model has been reasoning"
    if message.images:
        return "it has images"
    return "it has probabilities" if line.logprobs else ""
