"""Answers that are read before their client gets them: gathered whole, or the first of a stream.

A plain answer of an engine that was asked for a stream, or in another dialect, is committed when it
is complete: until then another backend can still give it. Its first piece counts as its first token
all the same, and from there on silence is what is waited for.
"""

from typing import TYPE_CHECKING, Final

from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.inband import ErrorEvent
from proxy.flow import deadlines, verdicts
from proxy.flow.commit import dressed
from proxy.flow.opening import Opening
from proxy.upstream import framing
from proxy.upstream.framing import BadResponse, Dechunker, ResponseHead

if TYPE_CHECKING:
    from proxy.dialects.base import Engine
    from proxy.dialects.translate.assemble import Assembly
    from proxy.dialects.translate.base import Answer
    from proxy.flow.attempts import Attempts
    from proxy.flow.ways import Way

MAX_GATHERED: Final = 64 * 1024 * 1024  # bytes of an answer, plain or a stream, that is gathered
_JSON: Final = b"application/json"


class StreamOpening(Opening):
    """The opening of a stream that is translated."""

    __slots__ = ()

    @override
    def head(self, head: ResponseHead, length: int) -> None:
        super().head(head, length)
        if head.status < 300 and not head.stream:
            self._drop(Kind.BAD_RESPONSE, "the engine was asked for a stream and sent none")

    @override
    def whole(self, head: ResponseHead, length: int, body: bytes) -> None:
        self.head(head, length)
        self.last(body)

    @override
    def chunk(self, data: bytes) -> None:
        if not self.dead:
            super().chunk(data)

    @override
    def last(self, data: bytes) -> None:
        if not self.dead:
            super().last(data)

    @override
    def _is_refused(self, failure: Failure) -> bool:
        self._leave(refused(failure))
        return True


class Gathering(Opening):
    """The receiver of an answer that its client gets whole, and not as the engine sent it.

    assembly: puts a stream together; None if the engine was asked for a plain answer. answer:
    translates; None if the caller speaks the engine's dialect. epoch: turns times of the loop's
    clock into Unix seconds.
    """

    __slots__ = ("_answer", "_assembly", "_attempts", "_epoch", "_pieces")

    def __init__(
        self,
        attempts: "Attempts",
        engine: "Engine",
        assembly: "Assembly | None",
        answer: "Answer | None",
        epoch: float,
        way: "Way | None" = None,
    ) -> None:
        super().__init__(attempts, engine, way)
        self._attempts = attempts
        self._assembly = assembly
        self._answer = answer
        self._epoch = epoch
        self._pieces: list[bytes] = []

    @override
    def head(self, head: ResponseHead, length: int) -> None:
        super().head(head, length)
        if not head.stream:
            self._assembly = None  # it answers plainly whatever it is asked
        if head.framing is framing.CHUNKED:
            self._decoder = Dechunker()

    @override
    def whole(self, head: ResponseHead, length: int, body: bytes) -> None:
        self.head(head, length)
        self.last(body)

    @override
    def chunk(self, data: bytes) -> None:
        head = self._head
        assert head is not None
        if head.status >= 300:
            super().chunk(data)
        elif not self.dead:
            deadlines.progressed(self._attempts)
            self._take(data)

    @override
    def last(self, data: bytes) -> None:
        head = self._head
        assert head is not None
        if head.status >= 300:
            super().last(data)
        elif not self.dead:
            self._take(data)
            if not self.dead:
                self._finish(head)

    def _take(self, data: bytes) -> None:
        if self._decoder is not None:
            try:
                data = self._decoder.feed(data)
            except BadResponse as error:
                self._drop(Kind.BAD_RESPONSE, f"bad chunk framing: {error}")
                return
        self._size += len(data)
        if self._size > MAX_GATHERED:
            detail = f"the engine's answer is over {MAX_GATHERED} bytes"
            self._drop(Kind.BAD_RESPONSE, detail)
            return
        if self._assembly is None:
            self._pieces.append(data)
            return
        self._assembly.feed(data)
        if self._assembly.failure is not None:
            self._reported(self._assembly.failure)

    def _finish(self, head: ResponseHead) -> None:
        found = b"".join(self._pieces) if self._assembly is None else self._assembly.result()
        if isinstance(found, ErrorEvent):
            self._reported(found)
            return
        if not found:
            self._drop(Kind.BAD_RESPONSE, "the engine answered 200 and an empty body")
            return
        if self._answer is None and self._is_failed(found, b""):
            return
        kind = head.content_type if self._answer is None and head.stream == "" else _JSON
        if self._answer is not None:
            found = self._translated(self._answer, found)
        if not self.dead:
            shown = dressed(head, kind, whole=True)
            self._owner.complete(shown, len(found), found)

    def _translated(self, answer: "Answer", body: bytes) -> bytes:
        made = answer.whole(200, body, self._attempts.course.now() + self._epoch)
        if answer.status >= 400:
            self._reported(ErrorEvent(status=answer.status, message=answer.failure))
        return made

    @override
    def _is_refused(self, failure: Failure) -> bool:
        self._leave(refused(failure))
        return True

    def _reported(self, error: ErrorEvent) -> None:
        failure = verdicts.of_event(self._engine, error, error.message.encode())
        self._leave(failure if failure.retryable else refused(failure))


def refused(failure: Failure) -> Failure:
    """Return a mistake of the client's, told inside an answer, as if its status had told it."""
    return Failure(
        kind=Kind.STATUS,
        origin=Origin.CLIENT,
        phase=Phase.WAIT,
        detail=failure.detail.removeprefix(verdicts.IN_BAND),
        status=failure.status,
        condition=failure.condition,
    )
