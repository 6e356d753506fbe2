"""An answer that an engine gives in its caller's own dialect, heard so that others can go on.

Theory. How an engine goes on with half an answer is known for OpenAI's chat alone. So whoever goes
on is asked in that, and a translator writes its words in the caller's dialect, as for any engine
that does not speak it. While the first engine speaks, its events pass byte for byte, and are heard:
the text so far, its tokens, and where in the dialect's grammar the client stands. When it breaks
off, a fresh translator is told what has been written (`retell`), and goes on from there.

    state        an event of the engine          then
    nothing      it begins (`message_start`)     begun
    begun        its first block, of text        open
    open         text                            open; the text is kept
    open         the end of the block            what has ended is held until something follows
    any          a second block, a tool, thought bound: no other engine can go on
    any          a reason, the end marker        as for every splice

The end of a block is held because an engine that goes on goes on in that block. Engines close a
block when they know what comes next, so nobody waits for it.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from typing_extensions import override

from proxy.core.decoding import DECODE_ERRORS
from proxy.core.inband import is_error
from proxy.dialects.splicing import Splice, payload_of
from proxy.dialects.translate.answering import ChatAnswer
from proxy.dialects.translate.chunks import Usage


class Told(Splice, ABC):
    """What one engine has said. It is never resumed; `retell` makes what goes on.

    stream: the framing of its events.
    """

    stream: ClassVar = "sse"
    __slots__ = ("_begun", "_held", "_open")

    def __init__(self, room: int, most: int | None = None) -> None:
        super().__init__(room, most)
        self._begun = False  # the client has the beginning of the answer
        self._open = False  # and that of its text
        self._held = b""  # what has ended its text

    @staticmethod
    def fits(_body: bytes, /) -> bool:
        """Tell whether a translation leaves out nothing of a request that counts."""
        return True

    @property
    @override
    def complete(self) -> bool:
        # A text as long as it may be is ended by the translator, which says so.
        return bool(self.finish)

    @override
    def closing(self) -> bytes:
        self.done = True
        return b""

    @override
    def break_off(self) -> None:
        super().break_off()
        self._held = b""

    def retell(self, answer: ChatAnswer, now: float) -> Splice:
        """Return the same for the streams of a chat; `answer` is to translate what it passes."""
        if self.tokens_in is not None:
            answer.usage = Usage(prompt_tokens=self.tokens_in, completion_tokens=self.tokens)
        if self._begun:
            answer.recall("".join(self._said), opened=self._open, now=now)
        splice = Splice(self._room, self._most)
        splice.recall("".join(self._said), self.tokens, self.tokens_in)
        return splice

    @override
    def _take(self, event: bytes) -> bytes:
        payload, name = self._opened(event)
        if not payload:
            return event
        error = is_error(payload, name)
        if error is not None:
            self.error = error
            return b""
        try:
            passed = self._note(event, payload)
        except DECODE_ERRORS:
            self._bind("an event of the engine cannot be read")
            return event
        return b"" if self.error is not None else passed

    def _opened(self, event: bytes) -> tuple[bytes, bytes]:
        """Return the data of one whole event and its name."""
        return payload_of(event)

    @abstractmethod
    def _note(self, event: bytes, payload: bytes) -> bytes:
        """Hear an event and return what of it passes. Raises if it cannot be read."""

    def _hold(self, event: bytes) -> bytes:
        """Keep back what has ended the text."""
        self._held += event
        return b""

    def _release(self, event: bytes) -> bytes:
        """Return an event together with what was held back before it."""
        held, self._held = self._held, b""
        return held + event if held else event

    def _count_as(self, tokens_in: int | None, tokens_out: int | None) -> None:
        if tokens_in is not None:
            self.tokens_in = tokens_in
        if tokens_out is not None:
            self.tokens_out = tokens_out
