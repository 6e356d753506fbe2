"""Puts the pieces of a streamed message into blocks, one after the other.

Theory. A chat stream is one message whose parts may come in any order: text, reasoning and several
tool calls, each tool call under an index of its own. The callers' APIs know blocks: opened, filled,
closed, and only then the next. So one block is open at a time, and what belongs to another waits.

Text and reasoning can be continued in a new block, so any other piece closes them. A tool call
cannot: its block stays open until its arguments are a whole JSON object, or the stream ends. Until
then everything else is kept, in the order of its beginning. Engines send calls one after the other,
so in practice nothing waits; when they interleave, nothing is lost.

| open        | piece for            | then                                                   |
|-------------|----------------------|--------------------------------------------------------|
| nothing     | anything             | open its block, add                                    |
| a block     | the same block       | add                                                    |
| text        | another block        | close, open, add                                       |
| a tool call | another block        | as text if its arguments are whole, else keep          |
| a tool call | itself, now whole    | add; if anything is kept: close, and go on with that   |
| anything    | the end              | close; open, add, close for all that is kept           |
"""

from enum import Enum
from typing import Any, Final, Protocol

import msgspec

from proxy.dialects.translate.chunks import ToolCall
from proxy.dialects.translate.payloads import TooLongError

MAX_CALLS: Final = 256  # of one message
MAX_BLOCKS: Final = 4096  # of one message: who changes between text and reasoning at each word
MAX_KEPT: Final = 64 * 1024 * 1024  # bytes of what is kept of one message, about
_PIECE: Final = 64  # bytes of a string beside its letters
_whole: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def weighed(kept: int, size: int) -> int:
    """Return what is kept with a piece more. Raises `TooLongError` if that is too much."""
    kept += size + _PIECE
    if kept > MAX_KEPT:
        raise TooLongError(f"what is to be kept of the engine's answer is over {MAX_KEPT} bytes")
    return kept


class Kind(Enum):
    """What a block holds."""

    REASONING = "reasoning"
    TEXT = "text"
    REFUSAL = "refusal"
    TOOL = "tool"


class LateError(ValueError):
    """An engine went on with a tool call whose arguments were whole."""


class Block:
    """One block. `number` counts them from 0; `call` and `name` are those of a tool call.

    `call` is the engine's id, empty if it gave none.
    """

    __slots__ = ("call", "closed", "kind", "logprobs", "name", "number", "pieces")

    def __init__(self, kind: Kind, call: str = "", name: str = "") -> None:
        self.kind = kind
        self.call = call
        self.name = name
        self.number = -1  # given when it is opened
        self.pieces: list[str] = []  # all of a tool call's arguments; of others what waits
        self.logprobs: list[Any] = []
        self.closed = False

    @property
    def text(self) -> str:
        """Return what was kept, as one string."""
        return "".join(self.pieces)


class Sink(Protocol):
    """Where the blocks go."""

    def opened(self, block: Block) -> None:
        """Take the beginning of a block."""
        ...

    def added(self, block: Block, text: str, logprobs: list[Any]) -> None:
        """Take the next piece of the open block, never empty."""
        ...

    def closed(self, block: Block) -> None:
        """Take the end of the open block."""
        ...


class Blocks:
    """Orders the pieces of one message. Call `finish` once, after the last piece.

    What is kept is bounded, or an engine that never ends would take all memory: both ways to take a
    piece raise `TooLongError`.
    """

    __slots__ = ("_calls", "_kept", "_last", "_open", "_sink", "_waiting", "count")

    def __init__(self, sink: Sink) -> None:
        self.count = 0
        self._sink = sink
        self._open: Block | None = None
        self._waiting: list[Block] = []
        self._calls: dict[int, Block] = {}
        self._last = -1  # index of the call that began last
        self._kept = 0

    @property
    def calls(self) -> int:
        """Return how many tool calls have begun."""
        return len(self._calls)

    def add(self, kind: Kind, text: str, logprobs: list[Any] | None = None) -> None:
        """Take a piece of text, reasoning or refusal."""
        block = self._open
        if block is not None and block.kind is kind and not self._waiting:
            self._sink.added(block, text, logprobs or [])
            return
        last = self._waiting[-1] if self._waiting else None
        if last is None or last.kind is not kind:
            last = Block(kind)
            self._begin(last)
        if last.number >= 0:
            self._sink.added(last, text, logprobs or [])
        else:
            self._keep(last, text)
            last.logprobs += logprobs or []

    def call(self, piece: ToolCall) -> None:
        """Take a piece of a tool call. Raises `LateError`."""
        function = piece.function
        name = (function.name if function else None) or ""
        text = function.text if function else ""
        block = self._belongs(piece, name)
        if not block.name and name:  # an engine that names the call after it began
            block.name = name
            block.call = block.call or piece.id or ""
            self._advance()
        if not text:
            return
        if block.closed:
            if text.strip():
                raise LateError(f"the engine went on with the call of {block.name} after its end")
            return  # white space behind the arguments: the block ended with their last brace
        self._keep(block, text)
        if block is self._open:
            self._sink.added(block, text, [])
            if self._waiting:
                self._advance()

    def finish(self) -> None:
        """Close what is open, and give out all that was kept."""
        self._close()
        while self._waiting:
            self._release(self._waiting.pop(0))
            self._close()

    def _keep(self, block: Block, text: str) -> None:
        self._kept = weighed(self._kept, len(text))
        block.pieces.append(text)

    def _belongs(self, piece: ToolCall, name: str) -> Block:
        """Return the call a piece belongs to, begun if it is its first.

        Without an index, a piece with a name begins a call. With one in use, a new id and a name
        do: some engines number all calls 0.
        """
        index = piece.index
        if index is None:
            index = len(self._calls) if name or self._last < 0 else self._last
        known = self._calls.get(index)
        if known is not None and name and piece.id and known.call and piece.id != known.call:
            self._calls[-len(self._calls) - 1] = known
            known = None
        if known is None:
            if len(self._calls) >= MAX_CALLS:
                raise TooLongError(f"the engine's answer has over {MAX_CALLS} tool calls")
            known = Block(Kind.TOOL, piece.id or "", name)
            self._calls[index] = known
            self._last = index
            self._begin(known)
        return known

    def _begin(self, block: Block) -> None:
        """Open a block now, or put it behind those that wait."""
        if self.count + len(self._waiting) >= MAX_BLOCKS:
            raise TooLongError(f"the engine's answer has over {MAX_BLOCKS} blocks")
        self._waiting.append(block)
        if len(self._waiting) == 1:
            self._advance()

    def _advance(self) -> None:
        """Give out the blocks that wait, up to one that is not whole, or has no name yet."""
        while self._waiting and (self._waiting[0].name or self._waiting[0].kind is not Kind.TOOL):
            if not self._free():
                return
            self._close()
            self._release(self._waiting.pop(0))

    def _release(self, block: Block) -> None:
        self._open = block
        block.number = self.count
        self.count += 1
        self._sink.opened(block)
        if block.pieces:
            self._sink.added(block, block.text, block.logprobs)

    def _close(self) -> None:
        block = self._open
        if block is not None:
            block.closed = True
            self._open = None
            self._sink.closed(block)

    def _free(self) -> bool:
        """Tell whether what is open can be closed."""
        block = self._open
        if block is None or block.kind is not Kind.TOOL:
            return True
        if not block.pieces or not block.pieces[-1].rstrip().endswith("}"):
            return False
        try:
            _whole(block.text)
        except (msgspec.MsgspecError, RecursionError):
            return False
        return True
