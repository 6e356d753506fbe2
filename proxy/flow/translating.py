"""The relay between two dialects: what the engine says is read, and said in the caller's words.

Unlike its base it decodes every event, so it knows at once what an answer has come to. The client's
framing is its own, so an error can be told at any point; after it the body is aborted.
"""

from typing import TYPE_CHECKING

from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.errors import hint_for
from proxy.flow.relay import ConvertingRelay

if TYPE_CHECKING:
    from proxy.dialects.translate.base import Answer


class TranslatingRelay(ConvertingRelay):
    """A relay that turns a stream into another dialect. `size` counts what the client was sent."""

    __slots__ = ("_answer", "_epoch")

    def speak(self, answer: "Answer", epoch: float) -> None:
        """Set what translates; `epoch` turns times of the loop's clock into Unix seconds."""
        self._answer = answer
        self._epoch = epoch

    @override
    def begin(self, head: bytes, held: list[bytes], *, chunks: bool = False) -> None:
        self.last_at = self._now()
        self._carry(b"".join(held), head)

    @override
    def slim(self) -> None:
        pass  # nothing is kept

    @override
    def chunk(self, data: bytes) -> None:
        self._carry(data)

    def _carry(self, data: bytes, head: bytes = b"") -> None:
        answer = self._answer
        said = answer.feed(self._decode(data), self._now() + self._epoch)
        self.chunks += 1
        self.size += len(said)
        if said or head:
            self.write(head + self._encode(said))
        if answer.failure:
            self._connection.abort()
            self._over(self._told())

    @override
    def whole(self, head: bytes, data: bytes) -> None:
        self.last_at = self._now()
        answer, now = self._answer, self.last_at + self._epoch
        said = answer.feed(self._decode(data), now) + answer.end(now)
        self.chunks += 1
        self.size += len(said)
        failure = self._told() if answer.failure else None
        self.write(head + self._encode(said) + (b"" if failure else self._terminator()))
        self._over(failure)

    @override
    def stop(self, failure: Failure) -> None:
        self._connection.abort()
        text = f"{failure.detail}. {hint_for(failure)}"
        said = self._answer.broken(text, failure.kind.value)
        self.size += len(said)
        if said:
            self.write(self._encode(said))
        self._over(failure)

    def _told(self) -> Failure:
        """Return the failure the answer has turned into; its client has been told."""
        answer = self._answer
        return Failure(
            kind=Kind(answer.kind),
            origin=Origin.BACKEND,
            phase=Phase.STREAM,
            detail=answer.failure,
            status=answer.status,
        )

    def _over(self, failure: Failure | None) -> None:
        call, answer = self._attempts.call, self._answer
        call.tokens_in, call.tokens_out = answer.tokens_in, answer.tokens_out
        self._attempts.ended(failure, whole=failure is None)
