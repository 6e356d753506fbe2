"""Who gets an engine's response: what `upstream/exchange` calls, and `flow` fulfils."""

from collections.abc import Callable
from typing import Final, Protocol

from proxy.core.failure import Failure, Phase
from proxy.upstream.framing import ResponseHead

CRUMB: Final = 32  # bytes: no event with a token is smaller, framing included


class Receiver(Protocol):
    """Who gets a body. `phase` says how far its call has come, for the failure value."""

    phase: Phase

    def chunk(self, data: bytes) -> None:
        """Take a piece of the body, framing included."""

    def last(self, data: bytes) -> None:
        """Take the final piece (may be empty); the connection is free again."""

    def failed(self, failure: Failure) -> None:
        """Hear that no more will come."""


class Pipe(Protocol):
    """Where whole events of a chunked body go when nobody looks at them any more.

    The exchange does the counting, keeping and writing itself: a frame less for every piece. It
    looks at one byte of each, the fourth from its end.
    """

    chunks: int
    size: int
    latest: bytes
    earlier: bytes  # the piece before the latest
    write: Callable[[bytes], None]

    def stands(self) -> bool:
        """Hear that the pipe is closed; tell whether the last piece did end with an event."""

    def stray(self) -> None:
        """Hear that it did not end a chunk."""


class Opener(Receiver, Protocol):
    """Who gets a response from its head on; the body may be redirected to another receiver."""

    def head(self, head: ResponseHead, length: int) -> None:
        """Take the checked head and the body's length, -1 if unknown; may abort the connection.

        One head object stands for many responses, so its own `length` is that of the first.
        """

    def whole(self, head: ResponseHead, length: int, body: bytes) -> None:
        """Take a response with a length that is here whole; the connection is free again.

        Called instead of `head` and `last`: most plain answers arrive in one read.
        """
