"""`/v1/messages`, Anthropic's API: blocks that start, grow and stop."""

from collections.abc import Mapping, Sequence

from benchmarks.fake.forms.form import Answer, Plain, Took, quoted, tails
from benchmarks.fake.script import Finish, Part, Span

_REASONS: Mapping[Finish, str] = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.CALLS: "tool_use",
}
_DELTAS: Mapping[Part, bytes] = {
    Part.THOUGHT: b'{"type":"thinking_delta","thinking":"',
    Part.TEXT: b'{"type":"text_delta","text":"',
    Part.CALL: b'{"type":"input_json_delta","partial_json":"',
}
_LEAD = b"event: content_block_delta\ndata: {"
_TEXT = b'"type":"text","text":"'
_SIGNATURE = "c2ltdWxhdGVk"


class Messages:
    """Events of one message."""

    __slots__ = ("_answer", "stream_type")

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.stream_type = answer.look.sse_type

    def begin(self) -> Sequence[bytes]:
        """`message_start`."""
        message = {
            **self._message(),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**self._usage(), "output_tokens": 0},
        }
        return (event("message_start", message=message),)

    def open(self, index: int, span: Span) -> Sequence[bytes]:
        """`content_block_start`."""
        return (
            event("content_block_start", index=index, content_block=self._block(span, bare=True)),
        )

    def delta(self, index: int, span: Span, *, field: bytes, text: bytes, last: bool) -> bytes:
        """`content_block_delta`."""
        return b'%b%b%b%b"}}\n\n' % (_LEAD, field, _before(index, span), text)

    def close(self, index: int, span: Span) -> Sequence[bytes]:
        """`content_block_stop`, behind a signature if it was a thought."""
        stop = event("content_block_stop", index=index)
        if span.part is not Part.THOUGHT:
            return (stop,)
        signature = {"type": "signature_delta", "signature": _SIGNATURE}
        return (event("content_block_delta", index=index, delta=signature), stop)

    def finish(self, took: Took) -> Sequence[bytes]:
        """`message_delta` with the reason and the usage."""
        delta = {"stop_reason": _REASONS[self._answer.script.finish], "stop_sequence": None}
        return (event("message_delta", delta=delta, usage=self._usage()),)

    def done(self, took: Took) -> bytes:
        """`message_stop`."""
        return event("message_stop")

    def plain(self, index: int) -> Plain:
        """Split a `content_block_delta` around its word."""
        before = _before(index, self._answer.script.spans[index])
        return Plain(lead=_LEAD, before=before, tails=tails(b'"}}\n\n'))

    def whole(self, took: Took, *, field: bytes, stamp: bytes) -> bytes:
        """Return the message."""
        blocks = [self._block(span, bare=False) for span in self._answer.script.spans]
        body = quoted(
            {
                **self._message(),
                "content": blocks,
                "stop_reason": _REASONS[self._answer.script.finish],
                "stop_sequence": None,
                "usage": self._usage(),
            }
        )
        if stamp:
            body = body.replace(_TEXT, _TEXT + stamp, 1)
        return b"{" + field + body[1:]

    def _message(self) -> dict[str, object]:
        answer = self._answer
        identity = {"id": f"msg_{answer.id}", "type": "message", "role": "assistant"}
        return {**identity, "model": answer.model}

    def _usage(self) -> dict[str, object]:
        answer = self._answer
        usage: dict[str, object] = {
            "input_tokens": answer.prompt_tokens - answer.cached_tokens,
            "output_tokens": answer.script.total,
        }
        if answer.cached_tokens:
            usage |= {
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": answer.cached_tokens,
            }
        return usage

    def _block(self, span: Span, *, bare: bool) -> dict[str, object]:
        said = "" if bare else span.whole().decode()
        match span.part:
            case Part.TEXT:
                return {"type": "text", "text": said}
            case Part.THOUGHT:
                signature = "" if bare else _SIGNATURE
                return {"type": "thinking", "thinking": said, "signature": signature}
            case Part.CALL:
                given = {} if bare else span.values()
                return {
                    "type": "tool_use",
                    "id": f"toolu_{span.call_id}",
                    "name": span.name,
                    "input": given,
                }


def event(kind: str, **fields: object) -> bytes:
    """Return one event of this type."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), quoted({"type": kind, **fields}))


def _before(index: int, span: Span) -> bytes:
    return b'"type":"content_block_delta","index":%d,"delta":%b' % (index, _DELTAS[span.part])
