"""The half of an answer that is the same for every caller: reading what the engine streams.

Per event of the engine: one typed decode, then straight calls down to the bytes the caller gets.
A subclass writes one API and is the `Sink` of the blocks. It overrides `_started` (before the first
block), the three methods of the sink, `_closing` (the end), `_error` and `_completed`.
"""

from abc import ABC, abstractmethod
from typing import Any

from proxy.core.inband import ErrorEvent, is_error
from proxy.dialects.translate.blocks import Block, Blocks, Kind, LateError
from proxy.dialects.translate.chunks import Choice, Completion, Message, Usage, read
from proxy.dialects.translate.payloads import Payloads, TooLongError

UNREADABLE = "The engine's answer is not what its API prescribes, so it cannot be translated."
CUT = "The engine's stream ended before the answer was complete."
_ABORTED = frozenset({"abort", "error"})  # finish reasons of vLLM and SGLang for a call given up


class ChatAnswer(ABC):
    """Implements `base.Answer` for one call. Not reused.

    prefill: the caller's words the model goes on with; an engine may say them again.
    """

    __slots__ = (
        "_blocks",
        "_created",
        "_now",
        "_out",
        "_payloads",
        "_prefill",
        "_request_id",
        "_seen",
        "done",
        "failure",
        "finish",
        "kind",
        "status",
        "stopped_at",
        "tokens_in",
        "tokens_out",
        "usage",
    )

    def __init__(self, request_id: str, created: float, prefill: str = "") -> None:
        self.tokens_in: int | None = None
        self.tokens_out: int | None = None
        self.finish: str | None = None
        self.done = False
        self.failure = ""
        self.kind = ""
        self.status = 200
        self.usage: Usage | None = None
        self.stopped_at: str | None = None
        self._request_id = request_id
        self._created = created
        self._prefill = prefill
        self._now = created
        self._payloads = Payloads()
        self._blocks = Blocks(self)
        self._out: list[bytes] = []
        self._seen = False  # an event of the answer came, so the beginning was written

    # the surface ----------------------------------------------------------------------------------

    @abstractmethod
    def content_type(self, stream: bool) -> bytes:
        """Return the content type of the answer."""

    @abstractmethod
    def opened(self, block: Block) -> None:
        """Write the beginning of a block."""

    @abstractmethod
    def added(self, block: Block, text: str, logprobs: list[Any]) -> None:
        """Write the next piece of the open block."""

    @abstractmethod
    def closed(self, block: Block) -> None:
        """Write the end of the open block."""

    @abstractmethod
    def _started(self) -> None:
        """Write what comes before the first block."""

    @abstractmethod
    def _closing(self) -> None:
        """Write what comes after the last block."""

    @abstractmethod
    def _error(self, message: str, status: int, kind: str) -> bytes:
        """Return the error event of a stream."""

    @abstractmethod
    def _error_body(self, message: str, status: int, kind: str) -> bytes:
        """Return the body of a plain error answer."""

    @abstractmethod
    def _completed(self, choice: Choice, message: Message) -> bytes:
        """Return a complete answer. Raises `ValueError` with a sentence if it cannot be carried."""

    # plain answers --------------------------------------------------------------------------------

    def whole(self, status: int, body: bytes, now: float | None = None) -> bytes:
        """Return a complete answer, or an error, in the caller's shape."""
        self._now = self._created if now is None else now
        self.status = status
        reported = is_error(body)
        if status >= 400:
            said = reported.message if reported else body.decode("utf-8", "replace").strip()[:500]
            return self._refuse(said or f"The engine answered with status {status}.", status)
        if reported is not None:
            return self._refuse(reported.message, reported.status or 502)
        answer = read(body)
        choice = answer.choices[0] if answer is not None and answer.choices else None
        if answer is None or choice is None:
            return self._refuse(UNREADABLE, 502)
        self._note(answer)
        self._note_end(choice)
        if self.finish in _ABORTED:
            return self._refuse(f"The engine gave the answer up ({self.finish}).", 502)
        message = choice.message or Message(content=choice.text)
        if self._prefill and message.content:
            message.content = message.content.removeprefix(self._prefill)
        try:
            return self._completed(choice, message)
        except ValueError as unfit:
            return self._refuse(str(unfit), 502)

    def _refuse(self, message: str, status: int) -> bytes:
        self.failure = message
        self.kind = "backend_status"
        self.status = status
        return self._error_body(message, status, "backend_status")

    # streams --------------------------------------------------------------------------------------

    def feed(self, data: bytes, now: float | None = None) -> bytes:
        """Return what the caller gets for the next decoded bytes of the engine's stream."""
        if now is not None:
            self._now = now
        if self.failure:
            return b""
        try:
            for payload in self._payloads.feed(data):
                self._take(payload)
        except (TooLongError, LateError) as unfit:
            self._fail(f"{unfit}.", 502, "bad_response")
        return self._drain()

    def recall(self, text: str, *, opened: bool, now: float) -> None:
        """Take for written what the caller has of this answer: its beginning, and `text` so far.

        opened: its first block, too.
        """
        self._now = now
        self._seen = True
        self._started()
        if opened:
            self._blocks.add(Kind.TEXT, text)
        self._out.clear()

    def end(self, now: float | None = None) -> bytes:
        """Return the closing events of a stream that ended as it should."""
        if now is not None:
            self._now = now
        if self.failure:
            return b""
        try:
            for payload in self._payloads.finish():
                self._take(payload)
            if not self.failure:
                self._finish()
        except (TooLongError, LateError) as unfit:
            self._fail(f"{unfit}.", 502, "bad_response")
        return self._drain()

    def broken(self, message: str, kind: str) -> bytes:
        """Return the event that tells of a stream cut short; nothing if one told of it before."""
        if not self.failure:
            self._fail(message, 504 if "timeout" in kind else 502, kind)
        return self._drain()

    def _finish(self) -> None:
        if not self._seen or not (self.done or self.finish):
            self._fail(CUT, 502, "truncated_stream")
        elif self.finish in _ABORTED:
            self._fail(
                f"The engine gave the answer up ({self.finish}).", 502, "backend_error_event"
            )
        else:
            self._blocks.finish()
            if not self.failure:
                self._closing()

    def _take(self, payload: bytes) -> None:
        if self.done or self.failure:
            return
        if payload == b"[DONE]":
            self.done = True
            return
        if b'"error"' in payload and (error := is_error(payload)) is not None:
            self._report(error)
            return
        event = read(payload)
        if event is None:
            self._fail(UNREADABLE, 502, "bad_response")
            return
        if event.usage is not None:
            self._note(event)
        if not self._seen:
            self._seen = True
            self._started()
        for choice in event.choices or ():
            if not choice.index:
                self._choose(choice)

    def _choose(self, choice: Choice) -> None:
        delta = choice.delta
        if delta is not None:
            if reasoning := delta.reasoning_content or delta.reasoning:
                self._blocks.add(Kind.REASONING, reasoning)
            if delta.content:
                logprobs = choice.logprobs.content if choice.logprobs is not None else None
                self._blocks.add(Kind.TEXT, delta.content, logprobs)
            if delta.refusal:
                self._blocks.add(Kind.REFUSAL, delta.refusal)
            for call in delta.tool_calls or ():
                self._blocks.call(call)
        elif choice.text:
            self._blocks.add(Kind.TEXT, choice.text)
        if choice.finish_reason is not None:
            self._note_end(choice)

    def _note(self, answer: Completion) -> None:
        usage = answer.usage
        if usage is not None:
            self.usage = usage
            self.tokens_in = usage.prompt_tokens
            self.tokens_out = usage.completion_tokens

    def _note_end(self, choice: Choice) -> None:
        self.finish = choice.finish_reason
        self.stopped_at = choice.stopped_at

    def _report(self, error: ErrorEvent) -> None:
        self._fail(error.message, error.status or 502, "backend_error_event")

    def _fail(self, message: str, status: int, kind: str) -> None:
        self.failure = message
        self.kind = kind
        self.status = status
        self._out.append(self._error(message, status, kind))

    def _drain(self) -> bytes:
        out = self._out
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data
