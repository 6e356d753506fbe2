"""OpenAI chat -> OpenAI Responses: the answer, plain and streamed.

A block is an output item here: reasoning, a message with one part, or a function call. Events count
from 0 in `sequence_number`: response.created, response.in_progress; for each item
output_item.added, content_part.added, deltas, the text done, content_part.done, output_item.done;
then response.completed, or response.incomplete if a limit ended it.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from typing_extensions import override

from proxy.dialects.errors import openai_type
from proxy.dialects.translate import namespaces
from proxy.dialects.translate.answering import ChatAnswer
from proxy.dialects.translate.blocks import Block, Kind, weighed
from proxy.dialects.translate.chunks import Choice, Message

_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
_NAMES: Final = {  # of an item's events, its id and the part it holds
    Kind.TEXT: ("response.output_text", "msg", "output_text"),
    Kind.REFUSAL: ("response.refusal", "msg", "refusal"),
    Kind.REASONING: ("response.reasoning_text", "rs", "reasoning_text"),
    Kind.TOOL: ("response.function_call_arguments", "fc", ""),
}
# What of a response is not the same from its first event to its last.
_CHANGING: Final = frozenset(
    {"completed_at", "error", "incomplete_details", "output", "status", "usage"}
)
_json: Final = msgspec.json.encode


class ResponsesAnswer(ChatAnswer):
    """The answer to one call of `POST /v1/responses`.

    echo: what it says again of the request. names: of functions that belong to a namespace.
    sequence: the next event's number.
    """

    __slots__ = (
        "_echo",
        "_head",
        "_items",
        "_kept",
        "_logprobs",
        "_message",
        "_names",
        "_place",
        "_texts",
        "sequence",
    )

    def __init__(
        self,
        request_id: str,
        created: float,
        *,
        echo: Mapping[str, Any],
        names: namespaces.Names = namespaces.NONE,
    ) -> None:
        super().__init__(request_id, created)
        self._echo = echo
        self._names = names
        self.sequence = 0
        self._message = ""  # the first item's id, if another gave it
        self._kept = 0  # bytes of all items, about
        self._items: list[dict[str, Any]] = []  # complete ones
        self._texts: list[str] = []  # of the open item
        self._logprobs: list[Any] = []  # same
        self._place: dict[str, Any] = {}  # same: where its events say they belong
        self._head = b""  # same: its delta events, up to the text

    @override
    def content_type(self, stream: bool) -> bytes:
        return b"text/event-stream; charset=utf-8" if stream else b"application/json"

    # streams --------------------------------------------------------------------------------------

    def adopt(self, response: Mapping[str, Any], message: str) -> None:
        """Go on with a response that an engine has begun itself, and under its ids.

        response: as its events say it. message: the id of its first item.
        """
        self._echo = {name: value for name, value in response.items() if name not in _CHANGING}
        self._message = message

    @override
    def _started(self) -> None:
        for name in ("response.created", "response.in_progress"):
            self._event(name, response=self._response("in_progress"))

    @override
    def opened(self, block: Block) -> None:
        kind = block.kind
        name, _, part = _NAMES[kind]
        id = self._id(kind, block.number)
        self._texts.clear()
        self._logprobs = []
        self._place = {"item_id": id, "output_index": block.number}
        item = self._item(block, "in_progress", None)
        self._event("response.output_item.added", output_index=block.number, item=item)
        if part:
            self._place["content_index"] = 0
            self._event("response.content_part.added", **self._place, part=_part(kind, "", []))
        where = b'event: %b.delta\ndata: {"type":"%b.delta",%b' % (
            name.encode(),
            name.encode(),
            _json(self._place)[1:-1],
        )
        self._head = where + (b',"logprobs":%b' if kind is Kind.TEXT else b"")

    @override
    def added(self, block: Block, text: str, logprobs: list[Any]) -> None:
        head = self._head
        size = len(text)
        if block.kind is Kind.TEXT:
            self._logprobs += logprobs
            said = _json(logprobs) if logprobs else b"[]"
            size += len(said)
            head %= said
        self._kept = weighed(self._kept, size)  # the API repeats all of it at the end
        self._texts.append(text)
        delta = _json(text)
        self._out.append(b'%b,"sequence_number":%d,"delta":%b}\n\n' % (head, self.sequence, delta))
        self.sequence += 1

    @override
    def closed(self, block: Block) -> None:
        kind = block.kind
        name, _, part = _NAMES[kind]
        text = "".join(self._texts)
        if kind is Kind.TOOL:
            told = namespaces.told(self._names, block.name)
            self._event(f"{name}.done", **self._place, name=told["name"], arguments=text)
        elif kind is Kind.REFUSAL:
            self._event(f"{name}.done", **self._place, refusal=text)
        elif kind is Kind.TEXT:
            self._event(f"{name}.done", **self._place, text=text, logprobs=self._logprobs)
        else:
            self._event(f"{name}.done", **self._place, text=text)
        if part:
            whole = _part(kind, text, self._logprobs)
            self._event("response.content_part.done", **self._place, part=whole)
        item = self._item(block, "completed", text)
        self._items.append(item)
        self._event("response.output_item.done", output_index=block.number, item=item)

    @override
    def _closing(self) -> None:
        status = "incomplete" if self.finish in _INCOMPLETE else "completed"
        self._event(f"response.{status}", response=self._response(status))

    @override
    def _error(self, message: str, status: int, kind: str) -> bytes:
        """Return an event in the shape of the API, with what the official SDK raises on inside."""
        error = self._error_object(message, status, kind)
        event = {"type": "error", "code": kind, "message": message, "param": None}
        number = self.sequence
        self.sequence += 1
        return b"event: error\ndata: %b\n\n" % _json(
            {**event, "sequence_number": number, "error": error}
        )

    def _event(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        data = _json({"type": event, "sequence_number": self.sequence, **fields})
        self.sequence += 1
        self._out.append(b"event: %b\ndata: %b\n\n" % (event.encode(), data))

    # plain answers --------------------------------------------------------------------------------

    @override
    def _completed(self, choice: Choice, message: Message) -> bytes:
        texts = (
            (Kind.REASONING, message.reasoning_content or message.reasoning),
            (Kind.TEXT, message.content),
            (Kind.REFUSAL, message.refusal),
        )
        logprobs = choice.logprobs.content if choice.logprobs is not None else None
        for kind, text in texts:
            if text:
                self._logprobs = (logprobs or []) if kind is Kind.TEXT else []
                self._keep(Block(kind), text)
        for call in message.tool_calls or ():
            function = call.function
            name = (function.name if function else None) or ""
            self._keep(Block(Kind.TOOL, call.id or "", name), function.text if function else "")
        return _json(self._response("incomplete" if self.finish in _INCOMPLETE else "completed"))

    def _keep(self, block: Block, text: str) -> None:
        block.number = len(self._items)
        self._items.append(self._item(block, "completed", text))

    @override
    def _error_body(self, message: str, status: int, kind: str) -> bytes:
        return _json({"error": self._error_object(message, status, kind)})

    # both -----------------------------------------------------------------------------------------

    def _error_object(self, message: str, status: int, kind: str) -> dict[str, Any]:
        return {
            "message": message,
            "type": openai_type(status),
            "param": None,
            "code": kind,
            "request_id": self._request_id,
        }

    def _id(self, kind: Kind, number: int) -> str:
        if self._message and not number:
            return self._message
        return f"{_NAMES[kind][1]}_{self._request_id}_{number}"

    def _item(self, block: Block, status: str, text: str | None) -> dict[str, Any]:
        """Return an output item; `text` is None for one that begins."""
        kind = block.kind
        id = self._id(kind, block.number)
        if kind is Kind.TOOL:
            return {
                "type": "function_call",
                "id": id,
                "call_id": block.call or f"call_{self._request_id}_{block.number}",
                **namespaces.told(self._names, block.name),
                "arguments": text or "",
                "status": status,
            }
        content = [] if text is None else [_part(kind, text, self._logprobs)]
        if kind is Kind.REASONING:
            return {"type": "reasoning", "id": id, "summary": [], "content": content}
        head = {"type": "message", "id": id, "role": "assistant"}
        return {**head, "status": status, "content": content}

    def _response(self, status: str) -> dict[str, Any]:
        """Return the response object as it is now."""
        ended = status != "in_progress"
        reason = _INCOMPLETE.get(self.finish or "") if ended else None
        return {
            "id": f"resp_{self._request_id}",
            "object": "response",
            "created_at": int(self._created),
            "completed_at": int(self._now) if status == "completed" else None,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": self._items if ended else [],
            "usage": self._usage() if ended else None,
            **self._echo,
        }

    def _usage(self) -> dict[str, Any] | None:
        usage = self.usage
        if usage is None:
            return None
        return {
            "input_tokens": usage.prompt_tokens,
            "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
            "output_tokens": usage.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        }


def _part(kind: Kind, text: str, logprobs: list[Any]) -> dict[str, Any]:
    if kind is Kind.TEXT:
        part = {"type": "output_text", "text": text, "annotations": []}
        return {**part, "logprobs": logprobs}
    if kind is Kind.REFUSAL:
        return {"type": "refusal", "refusal": text}
    return {"type": "reasoning_text", "text": text}
