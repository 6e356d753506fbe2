"""What each API's events and documents say: text, end, usage, errors.

Text is whatever the model generated: content, reasoning, arguments of tool calls. An event that
only names a role, a heartbeat and a usage event have none.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from benchmarks.client.target import Api


class Said(msgspec.Struct, kw_only=True, gc=False):
    """What one event or document says; None and empty: nothing about it."""

    text: str = ""
    finish: str = ""
    over: bool = False
    """The API's own mark that the stream is complete."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    error: str = ""
    stamp_ns: int = 0
    token: int = -1
    taken_ns: int = 0


class _Stamped(msgspec.Struct):
    stamp_ns: int = 0
    token: int = -1
    taken_ns: int = 0
    error: Any = None

    def _begun(self) -> Said:
        return Said(
            stamp_ns=self.stamp_ns,
            token=self.token,
            taken_ns=self.taken_ns,
            error=_words(self.error),
        )


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    def tell(self, said: Said) -> None:
        said.tokens_in = self.prompt_tokens if self.input_tokens is None else self.input_tokens
        said.tokens_out = (
            self.completion_tokens if self.output_tokens is None else self.output_tokens
        )


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: Any = None


class _Call(msgspec.Struct):
    function: _Function | None = None


class _Piece(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None

    def text(self) -> str:
        # Some engines send the reasoning under two names at once.
        thought = self.reasoning_content or self.reasoning or self.thinking or ""
        text = thought + (self.content or "")
        for call in self.tool_calls or ():
            if call.function is not None:
                text += (call.function.name or "") + _words(call.function.arguments)
        return text


class _Choice(msgspec.Struct):
    delta: _Piece | None = None
    message: _Piece | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Openai(_Stamped):
    choices: list[_Choice] = []
    usage: _Usage | None = None

    def said(self) -> Said:
        said = self._begun()
        for choice in self.choices:
            piece = choice.delta or choice.message
            said.text += (piece.text() if piece is not None else "") + (choice.text or "")
            said.finish = choice.finish_reason or said.finish
        if self.usage is not None:
            self.usage.tell(said)
        return said


class _Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    content: list["_Block"] = []


class _Message(msgspec.Struct):
    usage: _Usage | None = None


class _Anthropic(_Stamped):
    type: str = ""
    delta: _Block | None = None
    message: _Message | None = None
    content: list[_Block] = []
    usage: _Usage | None = None
    stop_reason: str | None = None

    def said(self) -> Said:
        said = self._begun()
        blocks = [self.delta] if self.delta is not None else self.content
        for block in blocks:
            said.text += (block.thinking or "") + (block.text or "") + (block.partial_json or "")
            said.finish = block.stop_reason or said.finish
        said.finish = self.stop_reason or said.finish
        usage = self.usage or (self.message.usage if self.message is not None else None)
        if usage is not None:
            usage.tell(said)
        said.over = self.type == "message_stop"
        return said


class _Response(msgspec.Struct):
    status: str = ""
    usage: _Usage | None = None
    error: Any = None


class _Responses(_Stamped):
    type: str = ""
    delta: Any = None
    message: Any = None
    response: _Response | None = None
    status: str = ""
    output: list[_Block] = []
    usage: _Usage | None = None

    def said(self) -> Said:
        said = self._begun()
        if self.type.endswith(".delta") and isinstance(self.delta, str):
            said.text = self.delta
        for item in self.output:
            said.text += "".join([part.text or "" for part in item.content])
        # A stream tells its end in an event, a document is the response itself.
        ending = self.type in {"response.completed", "response.incomplete", "response.failed"}
        whole = self.response if ending else None
        if self.status:
            whole = _Response(status=self.status, usage=self.usage, error=self.error)
        if whole is not None:
            said.over, said.finish = True, whole.status
            said.error = said.error or _words(whole.error)
            if whole.usage is not None:
                whole.usage.tell(said)
        if self.type == "error":
            said.error = said.error or _words(self.message) or "error event"
        return said


class _Ollama(_Stamped):
    message: _Piece | None = None
    response: str = ""
    done: bool = False
    done_reason: str = ""
    prompt_eval_count: int | None = None
    eval_count: int | None = None

    def said(self) -> Said:
        said = self._begun()
        said.text = (self.message.text() if self.message is not None else "") + self.response
        said.over, said.finish = self.done, self.done_reason if self.done else ""
        said.tokens_in, said.tokens_out = self.prompt_eval_count, self.eval_count
        return said


def _words(error: object) -> str:
    if error is None:
        return ""
    if isinstance(error, str):
        return error
    if isinstance(error, dict) and isinstance(message := error.get("message"), str):
        return message
    return msgspec.json.encode(error).decode()


_DECODERS: dict[Api, msgspec.json.Decoder[Any]] = {
    Api.CHAT: msgspec.json.Decoder(_Openai),
    Api.COMPLETIONS: msgspec.json.Decoder(_Openai),
    Api.RESPONSES: msgspec.json.Decoder(_Responses),
    Api.MESSAGES: msgspec.json.Decoder(_Anthropic),
    Api.OLLAMA: msgspec.json.Decoder(_Ollama),
}
_DONE = Said(over=True)


def reader(api: Api) -> Callable[[bytes], Said]:
    """Return what reads one event's data, or a whole document, of this API.

    It raises msgspec.DecodeError for data that is no JSON of the expected shape.
    """
    decode = _DECODERS[api].decode

    def read(data: bytes) -> Said:
        if data == b"[DONE]":
            return _DONE
        said: Said = decode(data).said()
        return said

    return read


def complaint(body: bytes) -> str:
    """Return what an error answer says in words, at most 200 characters on one line."""
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        said = body.decode("utf-8", "replace")
    else:
        told = found.get("error", found.get("detail", found.get("message")))
        said = _words(told) or body.decode("utf-8", "replace")
    return " ".join(said.split())[:200]
