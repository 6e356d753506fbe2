"""An answer on its way: takes tokens from the batch and writes them to a connection.

A reply never knows about faults. It hands its bytes to an `Outlet` in labelled pieces; a plain
connection writes each piece as it is, a broken one (`breakage`) bends them.
"""

import time
from array import array
from random import Random
from typing import Protocol

from typing_extensions import override

from benchmarks.fake.asks import Ask
from benchmarks.fake.batching import Sequence
from benchmarks.fake.ledger import Record, SideLog, Stage
from benchmarks.fake.profile import Stamps
from benchmarks.fake.wire import DONE, FINGERPRINT, LAST_CHUNK, Heads, Surface, frame
from benchmarks.fake.words import start_of, walk


class Outlet(Protocol):
    """Where the pieces of an answer go, in this order."""

    def head(self, data: bytes) -> None:
        """Take the response head."""

    def event(self, data: bytes) -> None:
        """Take one streamed token event, or the whole body of an answer that is not streamed."""

    def aside(self, data: bytes) -> None:
        """Take a streamed event that carries no token: the role, the usage."""

    def done(self, data: bytes) -> None:
        """Take the `[DONE]` event."""

    def end(self, data: bytes) -> None:
        """Take what ends the body (the last chunk, or nothing). The answer is complete."""


class Host(Protocol):
    """The engine, as far as a reply needs it."""

    heads: Heads
    stamps: Stamps
    side_log: SideLog
    event_bytes: int
    created: int
    early_head: bool

    def dice(self, request_id: str) -> Random | None:
        """Give the dice for the accepted drafts of this request; None: nothing is drafted."""

    def answered(self, record: Record) -> None:
        """Hear that the first token of this answer exists."""

    def completed(self, record: Record, reason: str) -> None:
        """Settle the account of a complete answer."""


class Reply:
    """What all generated answers share: the sequence, the record and the words."""

    __slots__ = (
        "_ask",
        "_host",
        "_id",
        "_outlet",
        "_record",
        "_stamps",
        "_start",
        "_surface",
        "_told",
        "sequence",
    )

    def __init__(
        self, host: Host, outlet: Outlet, surface: Surface, ask: Ask, record: Record
    ) -> None:
        self._host = host
        self._outlet = outlet
        self._surface = surface
        self._ask = ask
        self._record = record
        self._start = start_of(ask.prompt)
        self._id = f"{surface.id_prefix}{record.id}"
        self._stamps = host.stamps
        self._told: array[int] | None = None
        if host.stamps is Stamps.SIDELOG:
            line = host.side_log.open(ask.prompt, record.start_ns)
            self._told = None if line is None else line.emitted
        self.sequence = Sequence(
            self,
            prompt_tokens=ask.prompt_tokens,
            cached=record.cached_tokens,
            total=ask.total,
            whole=not ask.stream,
            dice=host.dice(record.id),
        )

    def queued(self) -> None:
        """Hear that the engine has taken the request."""

    def admitted(self) -> None:
        """Note that the sequence left the queue, the first time it does."""
        record = self._record
        if not record.admitted_ns:
            record.stage = Stage.PREFILL
            record.admitted_ns = time.monotonic_ns()

    def tokens(self, first: int, count: int) -> None:
        """Note the new tokens."""
        record = self._record
        if not first:
            record.stage = Stage.DECODE
            record.first_ns = time.monotonic_ns()
            self._host.answered(record)
        record.tokens = first + count

    def finished(self) -> None:
        """Settle the account of a complete answer."""
        self._host.completed(self._record, self._ask.finish_reason)

    def _stamp(self, first: int) -> tuple[bytes, bytes]:
        # What this moment puts before the event's fields, and before its text.
        now, mode = time.monotonic_ns(), self._stamps
        if mode is Stamps.FIELD:
            taken = b"" if first else b'"taken_ns":%d,' % self._record.start_ns
            return b'"stamp_ns":%d,"token":%d,%b' % (now, first, taken), b""
        if mode is Stamps.CONTENT:
            taken = b"" if first else b":%d" % self._record.start_ns
            return b"", b"~%d:%d%b~" % (first, now, taken)
        if self._told is not None:
            self._told.append(now)
        return b"", b""

    def _usage(self) -> bytes:
        prompt, total = self._ask.prompt_tokens, self._ask.total
        return (
            b'"usage":{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d,'
            b'"prompt_tokens_details":{"cached_tokens":%d}}'
            % (prompt, prompt + total, total, self._record.cached_tokens)
        )


class Whole(Reply):
    """An answer that is not streamed."""

    __slots__ = ()

    @override
    def finished(self) -> None:
        """Write the head and the JSON body."""
        ask, surface, host = self._ask, self._surface, self._host
        field, inside = self._stamp(0)
        text = inside + walk(self._start, 0, ask.total)
        if surface.stream_object == surface.object:
            choice = b'"text":"%b"' % text
        else:
            choice = b'"message":{"role":"assistant","content":"%b"}' % text
        body = (
            b'{%b"id":"%b","object":"%b","created":%d,"model":"%b","choices":[{"index":0,%b,'
            b'"logprobs":null,"finish_reason":"%b","stop_reason":null}],'
            b'"system_fingerprint":"%b",%b}'
        ) % (
            field,
            self._id.encode(),
            surface.object.encode(),
            host.created,
            ask.model.encode(),
            choice,
            ask.finish_reason.encode(),
            FINGERPRINT.encode(),
            self._usage(),
        )
        head = host.heads.render(
            200, b"application/json", len(body), request_id=self._record.id.encode()
        )
        super().finished()
        self._outlet.head(head)
        self._outlet.event(body)
        self._outlet.end(b"")


class Stream(Reply):
    """A streamed answer: one event, one chunk and one write per step."""

    __slots__ = ("_before", "_before_size", "_event", "_headed", "_tails")

    def __init__(
        self, host: Host, outlet: Outlet, surface: Surface, ask: Ask, record: Record
    ) -> None:
        super().__init__(host, outlet, surface, ask, record)
        self._event = outlet.event
        self._headed = False
        self._tails = surface.tails
        self._before = self._lead() + surface.before
        self._before_size = len(self._before)

    @override
    def queued(self) -> None:
        """Send the head at once, as vLLM does, unless this engine waits for the first token."""
        if self._host.early_head:
            self._send_head()

    @override
    def tokens(self, first: int, count: int) -> None:
        """Write one event that holds these tokens."""
        if not first or count != 1 or first + 1 == self._ask.total or self._host.event_bytes:
            self._rich(first, count)
            return
        self._record.tokens = first + 1
        tail = self._tails[(self._start + first) % len(self._tails)]
        if self._stamps is Stamps.NONE:
            size = self._before_size + len(tail) + 5
            self._event(b"%x\r\ndata: {%b%b" % (size, self._before, tail))
            return
        field, inside = self._stamp(first)
        size = self._before_size + len(field) + len(inside) + len(tail) + 5
        self._event(b"%x\r\ndata: {%b%b%b%b" % (size, field, self._before, inside, tail))

    @override
    def finished(self) -> None:
        """Write usage if asked for, `[DONE]` and the last chunk."""
        super().finished()
        if self._ask.usage:
            usage = b'data: {%b"choices":[],%b}\n\n' % (self._lead(), self._usage())
            self._outlet.aside(frame(usage))
        self._outlet.done(frame(DONE))
        self._outlet.end(LAST_CHUNK)

    def _rich(self, first: int, count: int) -> None:
        # Everything a plain token event in the middle of a stream does not need.
        super().tokens(first, count)
        if not first:
            self._send_head()
            if self._surface.opening:
                opening = b"data: {%b%b\n\n" % (self._lead(), self._surface.opening)
                self._outlet.aside(frame(opening))
        after = self._surface.after
        if first + count == self._ask.total:
            after = self._surface.after_last % self._ask.finish_reason.encode()
        field, inside = self._stamp(first)
        text = walk(self._start, first, count)
        event = b"data: {%b%b%b%b%b" % (field, self._before, inside, text, after)
        missing = self._host.event_bytes - len(event) - 2
        if missing >= len(b',"pad":""'):
            event = b'%b,"pad":"%b"}' % (event[:-1], b"x" * (missing - len(b',"pad":""')))
        self._event(frame(event + b"\n\n"))

    def _send_head(self) -> None:
        if not self._headed:
            self._headed = True
            self._outlet.head(
                self._host.heads.render(
                    200,
                    b"text/event-stream; charset=utf-8",
                    None,
                    request_id=self._record.id.encode(),
                )
            )

    def _lead(self) -> bytes:
        return b'"id":"%b","object":"%b","created":%d,"model":"%b",' % (
            self._id.encode(),
            self._surface.stream_object.encode(),
            self._host.created,
            self._ask.model.encode(),
        )
