"""`/v1/responses`, OpenAI's newer API: items that hold parts, every event numbered."""

from collections.abc import Mapping, Sequence

from benchmarks.fake.forms.form import Answer, Plain, Took, quoted, tails
from benchmarks.fake.script import Finish, Part, Span

_DELTAS: Mapping[Part, str] = {
    Part.THOUGHT: "response.reasoning_text",
    Part.TEXT: "response.output_text",
    Part.CALL: "response.function_call_arguments",
}
_TEXT = b'"type":"output_text","text":"'
_IDS: Mapping[Part, str] = {Part.THOUGHT: "rs", Part.TEXT: "msg", Part.CALL: "fc"}


class Responses:
    """Events of one response."""

    __slots__ = ("_answer", "_count", "stream_type")

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._count = 0
        self.stream_type = answer.look.sse_type

    def begin(self) -> Sequence[bytes]:
        """`response.created` and `response.in_progress`."""
        response = self._response("in_progress", done=False)
        return [
            self._event(f"response.{kind}", response=response)
            for kind in ("created", "in_progress")
        ]

    def open(self, index: int, span: Span) -> Sequence[bytes]:
        """Return the item, and the part of it that is about to grow."""
        item = self._item(index, span, done=False)
        events = [self._event("response.output_item.added", output_index=index, item=item)]
        if span.part is not Part.CALL:
            part = _part(span, done=False)
            events.append(self._inside("response.content_part.added", index, span, part=part))
        return events

    def delta(self, index: int, span: Span, *, field: bytes, text: bytes, last: bool) -> bytes:
        """Text, thought or arguments."""
        lead, before = self._delta(index, span)
        return b"%b%b%b%b%b" % (lead, field + self._number(), before, text, b'"}\n\n')

    def close(self, index: int, span: Span) -> Sequence[bytes]:
        """Return the whole of what has grown, and the item."""
        said, kind = span.whole(), _DELTAS[span.part]
        item = self._item(index, span, done=True)
        events: list[bytes]
        if span.part is Part.CALL:
            events = [
                self._event(
                    f"{kind}.done",
                    item_id=self._id(index, span),
                    output_index=index,
                    name=span.name,
                    arguments=span.spoken(),
                )
            ]
        else:
            events = [
                self._inside(f"{kind}.done", index, span, text=said.decode()),
                self._inside(
                    "response.content_part.done", index, span, part=_part(span, done=True)
                ),
            ]
        return [*events, self._event("response.output_item.done", output_index=index, item=item)]

    def finish(self, took: Took) -> Sequence[bytes]:
        """Nothing before the terminal event."""
        return ()

    def done(self, took: Took) -> bytes:
        """`response.completed`, or `response.incomplete`."""
        cut = self._answer.script.finish is Finish.LENGTH
        kind = self._answer.look.incomplete if cut else "response.completed"
        return self._event(kind, response=self._response(self._status(), done=True))

    def plain(self, index: int) -> Plain:
        """Split a delta around its word; its number changes with every event."""
        lead, before = self._delta(index, self._answer.script.spans[index])
        return Plain(lead=lead, before=before, tails=tails(b'"}\n\n'), number=self._number)

    def whole(self, took: Took, *, field: bytes, stamp: bytes) -> bytes:
        """Return the response object."""
        body = quoted(self._response(self._status(), done=True))
        if stamp:
            body = body.replace(
                b'"type":"output_text","text":"', b'"type":"output_text","text":"' + stamp, 1
            )
        return b"{" + field + body[1:]

    def _number(self) -> bytes:
        self._count += 1
        return b'"sequence_number":%d,' % (self._count - 1)

    def _delta(self, index: int, span: Span) -> tuple[bytes, bytes]:
        kind = f"{_DELTAS[span.part]}.delta"
        place = {"type": kind, "item_id": self._id(index, span), "output_index": index}
        if span.part is not Part.CALL:
            place["content_index"] = 0
        if span.part is Part.TEXT:
            place["logprobs"] = []
        lead = b"event: %b\ndata: {" % kind.encode()
        return lead, quoted(place)[1:-1] + b',"delta":"'

    def _event(self, kind: str, **fields: object) -> bytes:
        number = self._count
        self._count += 1
        data = quoted({"type": kind, "sequence_number": number, **fields})
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)

    def _inside(self, kind: str, index: int, span: Span, **fields: object) -> bytes:
        place = {"item_id": self._id(index, span), "output_index": index, "content_index": 0}
        return self._event(kind, **place, **fields)

    def _id(self, index: int, span: Span) -> str:
        return f"{_IDS[span.part]}_{self._answer.id}{index}"

    def _status(self) -> str:
        return "incomplete" if self._answer.script.finish is Finish.LENGTH else "completed"

    def _item(self, index: int, span: Span, *, done: bool) -> dict[str, object]:
        identity: dict[str, object] = {
            "id": self._id(index, span),
            "status": "completed" if done else "in_progress",
        }
        parts = [_part(span, done=True)] if done else []
        match span.part:
            case Part.TEXT:
                return {**identity, "type": "message", "role": "assistant", "content": parts}
            case Part.THOUGHT:
                return {**identity, "type": "reasoning", "summary": [], "content": parts}
            case Part.CALL:
                return {
                    **identity,
                    "type": "function_call",
                    "call_id": f"call_{span.call_id}",
                    "name": span.name,
                    "arguments": span.spoken() if done else "",
                }

    def _response(self, status: str, *, done: bool) -> dict[str, object]:
        answer = self._answer
        cut = status == "incomplete"
        spans = answer.script.spans if done else ()
        thought = sum(span.count for span in answer.script.of(Part.THOUGHT))
        usage = {
            "input_tokens": answer.prompt_tokens,
            "input_tokens_details": {"cached_tokens": answer.cached_tokens},
            "output_tokens": answer.script.total,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": answer.prompt_tokens + answer.script.total,
        }
        return {
            "id": f"resp_{answer.id}",
            "object": "response",
            "created_at": answer.created,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "instructions": None,
            "max_output_tokens": answer.limit,
            "model": answer.model,
            "output": [self._item(index, span, done=True) for index, span in enumerate(spans)],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "metadata": {},
            "usage": usage if done else None,
        }


def _part(span: Span, *, done: bool) -> dict[str, object]:
    said = span.whole().decode() if done else ""
    if span.part is Part.THOUGHT:
        return {"type": "reasoning_text", "text": said}
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": []}
