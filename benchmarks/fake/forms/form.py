"""What every API's way of writing an answer offers, and what it is given.

A form turns an `Answer` into events. It knows nothing about time, connections or chunks: the reply
asks for pieces as the tokens come, and puts them on the wire. Each event is complete, with its
`data: ` and its blank line, or with its newline where the API writes NDJSON.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

import msgspec

from benchmarks.fake.looks.look import Look
from benchmarks.fake.script import Script, Span
from benchmarks.fake.words import WORDS

DONE = b"data: [DONE]\n\n"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an answer is made of."""

    id: str
    """Of the request."""
    created: int
    model: str
    prompt_tokens: int
    cached_tokens: int
    usage: bool
    """The client wants the usage in the stream."""
    limit: int | None
    script: Script
    look: Look


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """How long an answer took, in nanoseconds."""

    total: int = 0
    prompt: int = 0
    decode: int = 0


class Plain(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of an event with one token of text in the middle of a stream."""

    lead: bytes
    """Up to where stamps and numbers go: `data: {`."""
    before: bytes
    tails: tuple[bytes, ...]
    """For every word: the word, the rest of the event and the end of its chunk."""
    number: Callable[[], bytes] | None = None
    """Gives the next event's number as a field with its comma, where the API counts."""


class Form(Protocol):
    """One API's way of writing one answer."""

    stream_type: bytes
    """Content type of the stream."""

    def begin(self) -> Sequence[bytes]:
        """Events before the first token."""

    def open(self, index: int, span: Span) -> Sequence[bytes]:
        """Events that begin a span."""

    def delta(self, index: int, span: Span, *, field: bytes, text: bytes, last: bool) -> bytes:
        """One event with tokens; `field` are top-level fields, each with its comma.

        Empty when this API does not stream such a span. `last`: nothing follows.
        """

    def close(self, index: int, span: Span) -> Sequence[bytes]:
        """Events that end a span."""

    def finish(self, took: Took) -> Sequence[bytes]:
        """Events after the last span, the terminal one excepted."""

    def done(self, took: Took) -> bytes:
        """Return the event without which a stream is not complete; empty: there is none."""

    def plain(self, index: int) -> Plain:
        """How a middle token of the text span at this index is written."""

    def whole(self, took: Took, *, field: bytes, stamp: bytes) -> bytes:
        """Return the body of an answer that is not streamed; `stamp` goes before the text."""


@lru_cache(maxsize=64)
def tails(after: bytes) -> tuple[bytes, ...]:
    """Return for every word what follows the stamp of its event, the chunk's end included."""
    return tuple(word + after + b"\r\n" for word in WORDS)


def quoted(value: object) -> bytes:
    """Write a value as JSON."""
    return msgspec.json.encode(value)
