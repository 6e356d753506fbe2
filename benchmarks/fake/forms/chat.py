"""`/v1/chat/completions` and `/v1/completions`, in the style of any engine."""

from collections.abc import Mapping, Sequence

from typing_extensions import override

from benchmarks.fake.forms.form import DONE, Answer, Plain, Took, quoted, tails
from benchmarks.fake.script import Finish, Part, Span

_REASONS: Mapping[Finish, bytes] = {
    Finish.STOP: b"stop",
    Finish.LENGTH: b"length",
    Finish.CALLS: b"tool_calls",
}


class Chat:
    """Chunks of a chat completion."""

    __slots__ = ("_answer", "_apart", "_calls", "_fields", "_last", "_style", "stream_type")

    stream_object = b"chat.completion.chunk"
    whole_object = b"chat.completion"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._style = style = answer.look.chat
        self.stream_type = answer.look.sse_type
        self._fields = self._head(self.stream_object) + style.stream_fields
        self._last = b'"%b"' % _REASONS[answer.script.finish]
        # Behind a call every engine gives the reason an event of its own; without a token, it must.
        last = answer.script.spans[-1]
        self._apart = style.finish_apart or last.part is Part.CALL or not last.count
        self._calls = [index for index, s in enumerate(answer.script.spans) if s.part is Part.CALL]

    def begin(self) -> Sequence[bytes]:
        """Return the comment and the role, for engines that send them."""
        style = self._style
        events = [style.comment] if style.comment else []
        if style.role:
            events.append(self._event(b"", self._choice(style.role, None)))
        return events

    def open(self, index: int, span: Span) -> Sequence[bytes]:
        """Name the tool that is called."""
        if span.part is not Part.CALL:
            return ()
        call = quoted(
            {
                "index": self._calls.index(index),
                "id": self._style.call_id + span.call_id,
                "type": "function",
                "function": {"name": span.name, "arguments": ""},
            }
        )
        return (self._event(b"", self._choice(self._delta(b'"tool_calls":[%b]' % call), None)),)

    def delta(self, index: int, span: Span, *, field: bytes, text: bytes, last: bool) -> bytes:
        """Write thought, text or arguments."""
        if span.part is Part.CALL:
            place = self._calls.index(index)
            inner = b'"tool_calls":[{"index":%d,"function":{"arguments":"%b"}}]' % (place, text)
        elif span.part is Part.THOUGHT:
            inner = b'"%b":"%b"' % (self._style.reasoning, text)
        else:
            inner = b'"content":"%b"' % text
        ends = last and not self._apart
        return self._event(field, self._choice(self._delta(inner), self._last if ends else None))

    def close(self, index: int, span: Span) -> Sequence[bytes]:
        """Nothing marks the end of a span."""
        return ()

    def finish(self, took: Took) -> Sequence[bytes]:
        """Return the reason, where it stands alone, and the usage."""
        style, events = self._style, []
        if self._apart:
            events.append(self._event(b"", self._choice(style.finish_delta, self._last)))
        return [*events, *self._usage_events()]

    def done(self, took: Took) -> bytes:
        """`[DONE]`."""
        return DONE

    def plain(self, index: int) -> Plain:
        """Split an event around its word."""
        marked = self._choice(self._delta(b'"content":"\x00"'), None)
        before, after = marked.split(b"\x00")
        return self._split(before, after)

    def whole(self, took: Took, *, field: bytes, stamp: bytes) -> bytes:
        """Return the completion object."""
        script, style = self._answer.script, self._style
        said = b'"role":"assistant","content":"%b%b"%b' % (stamp, script.text(), style.whole_fields)
        thought = script.text(Part.THOUGHT)
        if thought:
            said = said.replace(b',"%b":null' % style.reasoning, b"")
            said += b',"%b":"%b"' % (style.reasoning, thought)
        if self._calls:
            said += b',"tool_calls":' + quoted([self._call(span) for span in script.of(Part.CALL)])
        return self._whole(field, b'"message":{%b}' % said)

    def _split(self, before: bytes, after: bytes) -> Plain:
        return Plain(
            lead=self._style.data + b"{",
            before=self._fields + b'"choices":[' + before,
            tails=tails(after + b"]" + self._style.after_choices + b"}\n\n"),
        )

    def _usage_events(self) -> list[bytes]:
        if not self._answer.usage:
            return []
        rest = self._fields + b'"choices":[],' + self._usage()
        return [self._style.data + b"{" + rest + b"}\n\n"]

    def _whole(self, field: bytes, said: bytes) -> bytes:
        style = self._style
        return b'{%b%b%b"choices":[{"index":0,%b%b,"finish_reason":%b%b}]%b,%b}' % (
            field,
            self._head(self.whole_object),
            style.stream_fields,
            said,
            style.choice_fields,
            self._last,
            style.finish_tail,
            style.whole_tail,
            self._usage(),
        )

    def _call(self, span: Span) -> dict[str, object]:
        return {
            "id": self._style.call_id + span.call_id,
            "type": "function",
            "function": {"name": span.name, "arguments": span.spoken()},
        }

    def _head(self, kind: bytes) -> bytes:
        answer = self._answer
        return b'"id":%b,"object":"%b","created":%d,"model":%b,' % (
            quoted(self._prefix() + answer.id),
            kind,
            answer.created,
            quoted(answer.model),
        )

    def _prefix(self) -> str:
        return self._style.id_prefix

    def _delta(self, inner: bytes) -> bytes:
        return b"{%b%b}" % (self._style.delta, inner)

    def _choice(self, delta: bytes, reason: bytes | None) -> bytes:
        style = self._style
        return b'{"index":0,"delta":%b%b,"finish_reason":%b%b}' % (
            delta,
            style.choice_fields,
            b"null" if reason is None else reason,
            style.choice_tail if reason is None else style.finish_tail,
        )

    def _event(self, field: bytes, choice: bytes) -> bytes:
        style = self._style
        ends = b'"finish_reason":null' not in choice
        return b'%b{%b%b"choices":[%b]%b}\n\n' % (
            style.data,
            field,
            self._fields,
            choice,
            style.last_fields if ends else style.after_choices,
        )

    def _usage(self) -> bytes:
        answer = self._answer
        total, thought = answer.script.total, sum(s.count for s in answer.script.of(Part.THOUGHT))
        details = b',"completion_tokens_details":{"reasoning_tokens":%d}' % thought
        return (
            b'"usage":{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d,'
            b'"prompt_tokens_details":{"cached_tokens":%d}%b}'
            % (
                answer.prompt_tokens,
                answer.prompt_tokens + total,
                total,
                answer.cached_tokens,
                details if thought else b"",
            )
        )


class Completion(Chat):
    """Chunks of a text completion: no role, no calls; thoughts are text."""

    __slots__ = ()

    stream_object = b"text_completion"
    whole_object = b"text_completion"

    @override
    def begin(self) -> Sequence[bytes]:
        """Return the comment, for engines that send one."""
        return [self._style.comment] if self._style.comment else []

    @override
    def delta(self, index: int, span: Span, *, field: bytes, text: bytes, last: bool) -> bytes:
        """Write text; the reason comes with the last of it."""
        return self._event(field, self._said(text, self._last if last else None))

    @override
    def finish(self, took: Took) -> Sequence[bytes]:
        """Return the usage."""
        return self._usage_events()

    @override
    def plain(self, index: int) -> Plain:
        """Split an event around its word."""
        before, after = self._said(b"\x00", None).split(b"\x00")
        return self._split(before, after)

    @override
    def whole(self, took: Took, *, field: bytes, stamp: bytes) -> bytes:
        """Return the completion object."""
        return self._whole(field, b'"text":"%b%b"' % (stamp, self._answer.script.everything()))

    @override
    def _prefix(self) -> str:
        return "cmpl-"

    def _said(self, text: bytes, reason: bytes | None) -> bytes:
        style = self._style
        return b'{"index":0,"text":"%b"%b,"finish_reason":%b%b}' % (
            text,
            style.choice_fields,
            b"null" if reason is None else reason,
            style.choice_tail if reason is None else style.finish_tail,
        )
