"""How the pieces of an answer reach a client, whichever way its engine frames them.

They pass as they are, chunk framing included, but for an engine that ends its answer by closing,
and for a client of HTTP/1.0.
"""

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.upstream import framing
from proxy.upstream.framing import LAST_CHUNK, BadResponse, Dechunker, ResponseHead


class Answer:
    """The framing of one answer. `piece` for all but the final one, `last` for that."""

    __slots__ = ("_chunking", "_decoder", "_framed")

    def __init__(self, head: ResponseHead, *, http10: bool) -> None:
        self._framed = head.framing is framing.CHUNKED and not http10
        self._chunking = head.framing is framing.EOF and not http10
        self._decoder = Dechunker() if head.framing is framing.CHUNKED and http10 else None

    def piece(self, data: bytes) -> bytes:
        """Return what the client gets for a piece; it may be empty."""
        if self._decoder is not None:
            try:
                return self._decoder.feed(data)
            except BadResponse:  # llhttp has let the same bytes pass in the exchange
                return b""
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunking and data else data

    def last(self, data: bytes) -> bytes:
        """Return what the client gets for the final piece."""
        return self.piece(data) + (LAST_CHUNK if self._chunking else b"")

    def stray(self, data: bytes) -> bool:
        """Tell whether the final piece may end with line ends that belong to no message.

        llhttp passes over them; they would stand before the client's next answer.
        """
        return self._framed and not data.endswith(LAST_CHUNK)


def verdict(status: int) -> Failure | None:
    """Return what a whole answer of this status amounts to: None is a success."""
    if status < 400:
        return None
    return Failure(
        kind=Kind.STATUS,
        origin=Origin.CLIENT if status < 500 else Origin.BACKEND,
        phase=Phase.WAIT,
        detail=f"the engine answered {status}",
        status=status,
    )


def fault(kind: Kind, detail: str, phase: Phase = Phase.WAIT) -> Failure:
    """Return the failure of an answer that is none, or that broke."""
    return Failure(kind=kind, origin=Origin.BACKEND, phase=phase, detail=detail)
