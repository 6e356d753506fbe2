"""OpenAI chat -> Anthropic Messages: the answer, plain and streamed.

Events in Anthropic's order: message_start, then for each block content_block_start, deltas and
content_block_stop, then message_delta with the reason and the usage, then message_stop. How many
tokens the prompt has is known only at the end; message_start says 0, and message_delta, whose
counts replace earlier ones, says it all.
"""

from typing import Any, Final

import msgspec
from typing_extensions import override

from proxy.dialects.errors import anthropic_type
from proxy.dialects.translate.answering import ChatAnswer
from proxy.dialects.translate.blocks import Block, Kind
from proxy.dialects.translate.chunks import Choice, Message

# A client may want to see one before it hands a thinking block back; none is ever checked here.
SIGNATURE: Final = "unsigned"
_STOPS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_DELTAS: Final = {
    Kind.TEXT: (b"text_delta", b"text"),
    Kind.REFUSAL: (b"text_delta", b"text"),
    Kind.REASONING: (b"thinking_delta", b"thinking"),
    Kind.TOOL: (b"input_json_delta", b"partial_json"),
}
_json: Final = msgspec.json.encode


def _event(name: str, **fields: Any) -> bytes:  # noqa: ANN401 - values of JSON
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _json({"type": name, **fields}))


class AnthropicAnswer(ChatAnswer):
    """The answer to one call of `POST /v1/messages`.

    stops: the caller's stop sequences. thinking: False if reasoning is to be left out.
    """

    __slots__ = ("_head", "_model", "_refused", "_stops", "_thinking")

    def __init__(
        self,
        request_id: str,
        created: float,
        *,
        model: str,
        stops: tuple[str, ...] = (),
        thinking: bool = True,
        prefill: str = "",
    ) -> None:
        super().__init__(request_id, created, prefill)
        self._model = model
        self._stops = stops
        self._thinking = thinking
        self._refused = False
        self._head = b""  # of the open block's deltas, up to the text

    @override
    def content_type(self, stream: bool) -> bytes:
        return b"text/event-stream; charset=utf-8" if stream else b"application/json"

    # streams --------------------------------------------------------------------------------------

    @override
    def _started(self) -> None:
        message = {**self._message([]), "stop_reason": None, "stop_sequence": None}
        self._out.append(_event("message_start", message=message))

    @override
    def opened(self, block: Block) -> None:
        if block.kind is Kind.TOOL:
            content = self._tool(block.call, block.name, block.number, {})
        elif block.kind is Kind.REASONING:
            content = {"type": "thinking", "thinking": "", "signature": ""}
        else:
            self._refused = self._refused or block.kind is Kind.REFUSAL
            content = {"type": "text", "text": ""}
        self._out.append(_event("content_block_start", index=block.number, content_block=content))
        kind, field = _DELTAS[block.kind]
        self._head = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"%b","%b":' % (block.number, kind, field)
        )

    @override
    def added(self, block: Block, text: str, logprobs: list[Any]) -> None:
        if block.kind is Kind.REASONING and not self._thinking:
            return
        self._out.append(b"%b%b}}\n\n" % (self._head, _json(text)))

    @override
    def closed(self, block: Block) -> None:
        if block.kind is Kind.REASONING:
            delta = {"type": "signature_delta", "signature": SIGNATURE}
            self._out.append(_event("content_block_delta", index=block.number, delta=delta))
        self._out.append(_event("content_block_stop", index=block.number))

    @override
    def _closing(self) -> None:
        reason, sequence = self._stop(bool(self._blocks.calls))
        delta = {"stop_reason": reason, "stop_sequence": sequence}
        self._out.append(_event("message_delta", delta=delta, usage=self._usage()))
        self._out.append(_event("message_stop"))

    @override
    def _error(self, message: str, status: int, kind: str) -> bytes:
        return b"event: error\ndata: %b\n\n" % self._error_body(message, status, kind)

    @override
    def _error_body(self, message: str, status: int, kind: str) -> bytes:
        error = {"type": anthropic_type(status), "message": message, "code": kind}
        return _json({"type": "error", "error": error, "request_id": self._request_id})

    # plain answers --------------------------------------------------------------------------------

    @override
    def _completed(self, choice: Choice, message: Message) -> bytes:
        blocks: list[dict[str, Any]] = []
        thought = message.reasoning_content or message.reasoning
        if thought:
            shown = thought if self._thinking else ""
            blocks.append({"type": "thinking", "thinking": shown, "signature": SIGNATURE})
        texts = (message.content, message.refusal)
        blocks.extend({"type": "text", "text": text} for text in texts if text)
        self._refused = bool(message.refusal)
        calls = message.tool_calls or []
        for number, call in enumerate(calls, len(blocks)):
            function = call.function
            name = (function.name if function else None) or ""
            arguments = self._arguments(name, function.text if function else "")
            if arguments is not None:
                blocks.append(self._tool(call.id or "", name, number, arguments))
        reason, sequence = self._stop(bool(calls))
        return _json({**self._message(blocks), "stop_reason": reason, "stop_sequence": sequence})

    def _arguments(self, name: str, text: str) -> msgspec.Raw | None:
        """Return arguments as the JSON they are; None if the token limit cut them short.

        A tool must not be called with half of its arguments; that the limit was reached is said.
        """
        if not text.strip():
            return msgspec.Raw(b"{}")
        try:
            msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            if self.finish == "length":
                return None
            raise ValueError(f"The model called {name} with arguments that are not JSON.") from None
        return msgspec.Raw(text.encode())

    # both -----------------------------------------------------------------------------------------

    def _message(self, blocks: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": f"msg_{self._request_id}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": blocks,
            "usage": self._usage(),
        }

    def _tool(self, call: str, name: str, number: int, value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        found = call or f"toolu_{self._request_id}_{number}"
        return {"type": "tool_use", "id": found, "name": name, "input": value}

    def _stop(self, called: bool) -> tuple[str, str | None]:
        """Return why the answer ended, and the stop sequence if it was one."""
        reason = _STOPS.get(self.finish or "stop", "end_turn")
        if self.stopped_at is not None and self.stopped_at in self._stops:
            return "stop_sequence", self.stopped_at
        if self._refused:
            return "refusal", None
        if called and reason == "end_turn":
            return "tool_use", None  # some engines say `stop` after a call that was asked for
        return reason, None

    def _usage(self) -> dict[str, int]:
        usage = self.usage
        if usage is None:
            return {"input_tokens": 0, "output_tokens": 0}
        return {
            "input_tokens": usage.prompt_tokens - usage.cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": usage.cached,
            "output_tokens": usage.completion_tokens,
        }
