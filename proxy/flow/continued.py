"""The relay of a stream that another engine may go on with.

Unlike its base it reads every event, and passes whole ones only: when the engine breaks off, the
client stands between two events, and the text so far is known. Then it falls silent until it has
`rejoin`ed with another engine, or has been told to `give_up`.
"""

from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.errors import hint_for
from proxy.dialects.openai_api import error_event
from proxy.flow.relay import ConvertingRelay
from proxy.upstream import framing
from proxy.upstream.framing import Dechunker, ResponseHead

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.core.inband import ErrorEvent
    from proxy.dialects.splicing import Splice
    from proxy.dialects.translate.base import Answer
    from proxy.upstream.exchange import Connection

# What ends a call wherever it stands; all else only ends the search for another engine.
_FINAL: Final = frozenset({Kind.DRAINING, Kind.INTERNAL, Kind.TOTAL_TIMEOUT})


class Continuer(Protocol):
    """Who finds another engine."""

    call: "Call"

    def broken(self, failure: Failure) -> None:
        """Find one for the rest of the stream, or tell the relay to give up."""

    def concluded(self, failure: Failure) -> None:
        """End the call well: its engine has failed, but its client has the whole text."""


class ContinuingRelay(ConvertingRelay):
    """A relay over one engine after the other. `size` counts what the client was sent."""

    __slots__ = ("_cause", "_epoch", "_inner", "_owner", "_splice")

    def carry(
        self, owner: Continuer, splice: "Splice", inner: "Answer | None", epoch: float
    ) -> None:
        """Set who finds another engine, and what translates for the client, if anything does.

        `epoch` turns times of the loop's clock into Unix seconds.
        """
        self._owner = owner
        self._splice = splice
        self._inner = inner
        self._epoch = epoch
        self._cause: Failure | None = None  # why the stream broke off last

    def rejoin(self, connection: "Connection", head: ResponseHead, *, done_required: bool) -> None:
        """Go on with what another engine sends."""
        self._connection = connection
        self._head = head
        self._done_required = done_required
        self._decoder = Dechunker() if head.framing is framing.CHUNKED else None
        self._splice.resume()

    def retell(self, splice: "Splice", inner: "Answer") -> None:
        """Go on in the client's dialect by translation; so far an engine spoke it."""
        self._splice = splice
        self._inner = inner

    # pieces ----------------------------------------------------------------------------------

    @override
    def begin(self, head: bytes, held: list[bytes], *, chunks: bool = False) -> None:
        self.last_at = self._now()
        self._take(b"".join(held), head)

    @override
    def slim(self) -> None:
        pass  # of pieces nothing is kept

    @override
    def prime(self) -> None:
        if not self._splice.tokens:
            super().prime()

    @override
    def chunk(self, data: bytes) -> None:
        self._take(data)

    def _take(self, data: bytes, head: bytes = b"") -> None:
        said = self._said(data)
        if said or head:
            self.write(head + self._encode(said))
        if self._inner is not None and self._inner.failure:
            self._connection.abort()
            self._over(self._untold(self._inner))
        elif self._splice.error is not None:
            self._connection.abort()
            self._lost(_reported(self._splice.error))

    def _said(self, data: bytes) -> bytes:
        said = self._splice.feed(self._decode(data))
        if self._inner is not None:
            said = self._inner.feed(said, self._now() + self._epoch)
        self.chunks += 1
        self.size += len(said)
        return said

    # the end of an engine's part -----------------------------------------------------------------

    @override
    def whole(self, head: bytes, data: bytes) -> None:
        self.last_at = self._now()
        said = self._said(data)
        failure = self._verdict()
        if failure is not None:
            if said or head:
                self.write(head + self._encode(said))
            self._lost(failure)
            return
        marked = self._splice.done or not self._done_required
        said += self._closing(b"" if marked else self._splice.closing())
        self.write(head + self._encode(said) + self._terminator())
        self._over(None)

    @override
    def failed(self, failure: Failure) -> None:
        kind = Kind.TRUNCATED if failure.kind is Kind.CLOSED else failure.kind
        self._lost(
            Failure(kind=kind, origin=Origin.BACKEND, phase=Phase.STREAM, detail=failure.detail)
        )

    @override
    def stop(self, failure: Failure) -> None:
        self._connection.abort()
        if failure.kind is Kind.IDLE_TIMEOUT:
            self._lost(failure)
        else:
            self._break_off(failure)

    @override
    def _verdict(self) -> Failure | None:
        splice = self._splice
        if splice.error is not None:
            return _reported(splice.error)
        if splice.done or splice.complete:
            return None
        if not self._done_required and self._head.framing is not framing.EOF:
            return None
        return self._truncated("the engine ended the stream without its end marker")

    def _lost(self, failure: Failure) -> None:
        """Look for another engine, unless the text is whole or cannot be gone on with."""
        splice = self._splice
        splice.break_off()
        self._cause = failure
        if splice.done or splice.complete:
            self.conclude(failure)
        elif splice.objection:
            self._break_off(_adding(failure, splice.objection))
        else:
            self._owner.broken(failure)

    def conclude(self, failure: Failure) -> None:
        """End an answer whose text is whole; `failure` ended its engine's part."""
        splice = self._splice
        said = self._closing(b"" if splice.done else splice.closing())
        self.write(self._encode(said) + self._terminator())
        self._count()
        self._owner.concluded(failure)

    def give_up(self, failure: Failure) -> None:
        """Break the answer off: nobody has gone on with it. `failure` says why."""
        cause = self._cause
        assert cause is not None
        if failure.kind in _FINAL:
            self._break_off(msgspec.structs.replace(failure, phase=Phase.STREAM))
        elif failure.phase is Phase.STREAM:
            self._break_off(_adding(failure, "no other engine may go on with it"))
        else:
            # Attempts after a commit have been counted one by one: see `telemetry.metrics`.
            told = msgspec.structs.replace(cause, retryable=True)
            self._break_off(_adding(told, failure.detail))

    def _closing(self, said: bytes) -> bytes:
        """Return the last words, in the caller's dialect."""
        if self._inner is not None:
            now = self._now() + self._epoch
            said = self._inner.feed(said, now) + self._inner.end(now)
        self.size += len(said)
        return said

    def _break_off(self, failure: Failure) -> None:
        call = self._owner.call
        if self._inner is not None:
            text = f"{failure.detail}. {hint_for(failure)}"
            event = self._inner.broken(text, failure.kind.value)
        else:
            event = error_event(call.surface, failure, call.request_id)
        self.size += len(event)
        self.write(self._encode(event))
        self._over(failure)

    def _over(self, failure: Failure | None) -> None:
        self._count()
        self._attempts.ended(failure, whole=failure is None)

    def _count(self) -> None:
        call, splice = self._owner.call, self._splice
        call.tokens_in, call.tokens_out = splice.tokens_in, splice.tokens_out

    @staticmethod
    def _untold(answer: "Answer") -> Failure:
        """Return the failure a translation has turned into; its client has been told."""
        return Failure(
            kind=Kind(answer.kind),
            origin=Origin.BACKEND,
            phase=Phase.STREAM,
            detail=answer.failure,
            status=answer.status,
        )


def _reported(error: "ErrorEvent") -> Failure:
    return Failure(
        kind=Kind.ERROR_EVENT,
        origin=Origin.BACKEND,
        phase=Phase.STREAM,
        detail=f"the engine reported an error inside the stream: {error.message}",
        status=error.status,
    )


def _adding(failure: Failure, why: str) -> Failure:
    return msgspec.structs.replace(failure, detail=f"{failure.detail}; not continued: {why}")
