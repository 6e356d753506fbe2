"""`/api/chat` and `/api/generate`, Ollama's own API: one JSON object a line."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from typing_extensions import override

from benchmarks.fake.forms.form import Answer, Plain, Took, quoted, tails
from benchmarks.fake.looks.look import Api
from benchmarks.fake.script import Finish, Part, Span

_REASONS: Mapping[Finish, str] = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.CALLS: "stop",
}


class OllamaChat:
    """Lines of a chat."""

    __slots__ = ("_answer", "_head", "stream_type")

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._head = head(answer.model, answer.created)
        self.stream_type = b"application/x-ndjson"

    def begin(self) -> Sequence[bytes]:
        """Nothing comes before the first token."""
        return ()

    def open(self, index: int, span: Span) -> Sequence[bytes]:
        """Nothing marks the beginning of a span."""
        return ()

    def delta(self, index: int, span: Span, *, field: bytes, text: bytes, last: bool) -> bytes:
        """Text or thought; a call is written when it is whole."""
        if span.part is Part.CALL:
            return b""
        thought = span.part is Part.THOUGHT
        said = self._said(b"" if thought else text, text if thought else b"")
        return self._line(field, said, b"false")

    def close(self, index: int, span: Span) -> Sequence[bytes]:
        """Write a call."""
        if span.part is not Part.CALL:
            return ()
        place = self._answer.script.of(Part.CALL).index(span)
        return (self._line(b"", self._said(b"", b"", self._calls([span], place)), b"false"),)

    def finish(self, took: Took) -> Sequence[bytes]:
        """Nothing before the last line."""
        return ()

    def done(self, took: Took) -> bytes:
        """Return the line with `done`, the reason and the account."""
        return self._line(b"", self._said(b"", b""), self._account(took))

    def plain(self, index: int) -> Plain:
        """Split a line around its word."""
        before, after = self._said(b"\x00", b"").split(b"\x00")
        return Plain(
            lead=b"{",
            before=self._head + before,
            tails=tails(after + b',"done":false}\n'),
        )

    def whole(self, took: Took, *, field: bytes, stamp: bytes) -> bytes:
        """All in one object."""
        script = self._answer.script
        calls = script.of(Part.CALL)
        said = self._said(
            stamp + script.text(),
            script.text(Part.THOUGHT),
            self._calls(calls) if calls else b"",
        )
        return self._line(field, said, self._account(took)).rstrip()

    def _line(self, field: bytes, said: bytes, done: bytes) -> bytes:
        return b'{%b%b%b,"done":%b}\n' % (field, self._head, said, done)

    def _said(self, text: bytes, thought: bytes, calls: bytes = b"") -> bytes:
        more = b',"thinking":"%b"' % thought if thought else b""
        return b'"message":{"role":"assistant","content":"%b"%b%b}' % (text, more, calls)

    def _calls(self, spans: Sequence[Span], place: int = 0) -> bytes:
        calls = [
            {
                "id": f"call_{span.call_id}",
                "function": {"index": index, "name": span.name, "arguments": span.values()},
            }
            for index, span in enumerate(spans, place)
        ]
        return b',"tool_calls":' + quoted(calls)

    def _account(self, took: Took) -> bytes:
        answer = self._answer
        account = {
            "done_reason": _REASONS[answer.script.finish],
            "total_duration": took.total,
            "load_duration": 0,
            "prompt_eval_count": answer.prompt_tokens,
            "prompt_eval_duration": took.prompt,
            "eval_count": answer.script.total,
            "eval_duration": took.decode,
        }
        return b"true," + quoted(account)[1:-1]


class OllamaGenerate(OllamaChat):
    """Lines of a completion."""

    __slots__ = ()

    @override
    def _said(self, text: bytes, thought: bytes, calls: bytes = b"") -> bytes:
        more = b',"thinking":"%b"' % thought if thought else b""
        return b'"response":"%b"%b' % (text, more)


def loaded(api: Api, model: str, created: int, reason: str) -> bytes:
    """Return the answer to an empty prompt, which only loads a model or unloads it."""
    chat = b'"message":{"role":"assistant","content":""}'
    said = chat if api is Api.OLLAMA_CHAT else b'"response":""'
    return b'{%b%b,"done":true,"done_reason":"%b"}' % (head(model, created), said, reason.encode())


def head(model: str, created: int) -> bytes:
    """Return the fields that stand first in every line, each with its comma."""
    made = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return b'"model":%b,"created_at":"%b",' % (quoted(model), made.encode())
