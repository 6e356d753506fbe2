"""An answer on its way: takes tokens from the batch and writes them to a connection.

A reply never knows about faults. It hands its bytes to an `Outlet` in labelled pieces; a plain
connection writes each piece as it is, a broken one (`breakage`) bends them. What the pieces look
like is the business of a form.
"""

import time
from array import array
from random import Random
from typing import Protocol

from typing_extensions import override

from benchmarks.fake.batching import Sequence
from benchmarks.fake.forms.form import Answer, Form, Took
from benchmarks.fake.ledger import Record, SideLog, Stage
from benchmarks.fake.profile import Stamps
from benchmarks.fake.script import Part
from benchmarks.fake.wire import LAST_CHUNK, Heads, frame

_NEVER = 1 << 62
_PAD = b',"pad":"'


class Outlet(Protocol):
    """Where the pieces of an answer go, in this order."""

    def head(self, data: bytes) -> None:
        """Take the response head."""

    def event(self, data: bytes) -> None:
        """Take one streamed token event, or the whole body of an answer that is not streamed."""

    def aside(self, data: bytes) -> None:
        """Take a streamed event that carries no token: the role, the usage."""

    def done(self, data: bytes) -> None:
        """Take the terminal event: `[DONE]`, `message_stop`, the line with `done`."""

    def end(self, data: bytes) -> None:
        """Take what ends the body (the last chunk, or nothing). The answer is complete."""


class Host(Protocol):
    """The engine, as far as a reply needs it."""

    heads: Heads
    stamps: Stamps
    side_log: SideLog
    event_bytes: int

    def dice(self, request_id: str) -> Random | None:
        """Give the dice for the accepted drafts of this request; None: nothing is drafted."""

    def answered(self, record: Record) -> None:
        """Hear that the first token of this answer exists."""

    def completed(self, record: Record, reason: str) -> None:
        """Settle the account of a complete answer."""


class Reply:
    """What all generated answers share: the sequence, the record, the stamps."""

    __slots__ = (
        "_answer",
        "_form",
        "_host",
        "_outlet",
        "_record",
        "_speaks",
        "_stamps",
        "_told",
        "sequence",
    )

    def __init__(
        self, host: Host, outlet: Outlet, form: Form, answer: Answer, record: Record, *, whole: bool
    ) -> None:
        self._host = host
        self._outlet = outlet
        self._form = form
        self._answer = answer
        self._record = record
        script = answer.script
        # The first token of text; the stamp of the time of reading travels with it.
        self._speaks = next((s.first for s in script.spans if s.part is Part.TEXT), 0)
        self._stamps = host.stamps
        self._told: array[int] | None = None
        self.sequence = Sequence(
            self,
            prompt_tokens=record.prompt_tokens,
            cached=record.cached_tokens,
            total=script.total,
            whole=whole,
            dice=host.dice(record.id),
        )

    def log(self, prompt: str) -> None:
        """Open a line of the side log if the prompt asks for one."""
        line = self._host.side_log.open(prompt, self._record.start_ns)
        self._told = None if line is None else line.emitted

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
        self._host.completed(self._record, self._answer.script.finish)

    def _stamp(self, first: int, *, text: bool = True) -> tuple[bytes, bytes]:
        # What this moment puts before the event's fields, and before its text.
        now, mode = time.monotonic_ns(), self._stamps
        if mode is Stamps.FIELD:
            taken = b'"taken_ns":%d,' % self._record.start_ns if first == self._speaks else b""
            return b'"stamp_ns":%d,"token":%d,%b' % (now, first, taken), b""
        if mode is Stamps.CONTENT and text:
            taken = b":%d" % self._record.start_ns if first == self._speaks else b""
            return b"", b"~%d:%d%b~" % (first, now, taken)
        if self._told is not None and text:
            self._told.append(now)
        return b"", b""

    def _took(self) -> Took:
        record, now = self._record, time.monotonic_ns()
        first = record.first_ns or now
        prompt = first - (record.admitted_ns or first)
        return Took(total=now - record.start_ns, prompt=prompt, decode=now - first)


class Whole(Reply):
    """An answer that is not streamed."""

    __slots__ = ()

    @override
    def finished(self) -> None:
        """Write the head and the JSON body."""
        field, stamp = self._stamp(self._speaks) if self._stamps is not Stamps.NONE else (b"", b"")
        body = self._form.whole(self._took(), field=field, stamp=stamp)
        request_id = self._record.id.encode()
        head = self._host.heads.render(200, b"application/json", len(body), request_id=request_id)
        super().finished()
        self._outlet.head(head)
        self._outlet.event(body)
        self._outlet.end(b"")


class Stream(Reply):
    """A streamed answer: one event, one chunk and one write per step."""

    __slots__ = (
        "_bare",
        "_before",
        "_event",
        "_head",
        "_headed",
        "_lead",
        "_middle",
        "_number",
        "_shift",
        "_size",
        "_tails",
        "_until",
    )

    def __init__(
        self, host: Host, outlet: Outlet, form: Form, answer: Answer, record: Record, *, whole: bool
    ) -> None:
        super().__init__(host, outlet, form, answer, record, whole=whole)
        self._event = outlet.event
        self._headed = False
        script = answer.script
        self._middle = self._until = _NEVER
        text = next((i for i, span in enumerate(script.spans) if span.part is Part.TEXT), None)
        if text is not None and not host.event_bytes:
            # Between the first and the last word of the text every event is the same but for its
            # word: those are written without asking the form.
            span, plain = script.spans[text], form.plain(text)
            self._middle, self._until = span.first + 1, span.first + span.count - 1
            self._shift = span.start + span.said - span.first
            self._lead, self._before, self._tails = plain.lead, plain.before, plain.tails
            self._head = plain.lead + plain.before
            self._size = len(self._head) - 2
            self._number = plain.number
            self._bare = self._stamps is Stamps.NONE and plain.number is None

    @override
    def queued(self) -> None:
        """Send the head at once, for engines that do not wait for the first token."""
        if self._answer.look.early_head:
            self._send_head()

    @override
    def tokens(self, first: int, count: int) -> None:
        """Write one event that holds these tokens."""
        if count != 1 or not self._middle <= first < self._until:
            self._rich(first, count)
            return
        self._record.tokens = first + 1
        tail = self._tails[(self._shift + first) % len(self._tails)]
        if self._bare:
            self._event(b"%x\r\n%b%b" % (self._size + len(tail), self._head, tail))
            return
        field, inside = self._stamp(first)
        if self._number is not None:
            field += self._number()
        size = self._size + len(field) + len(inside) + len(tail)
        self._event(b"%x\r\n%b%b%b%b%b" % (size, self._lead, field, self._before, inside, tail))

    @override
    def finished(self) -> None:
        """Write what the form has left to say, the terminal event and the last chunk."""
        super().finished()
        took = self._took()
        for event in self._form.finish(took):
            self._outlet.aside(frame(event))
        done = self._form.done(took)
        if done:
            self._outlet.done(frame(done))
        self._outlet.end(LAST_CHUNK)

    def _rich(self, first: int, count: int) -> None:
        # Everything a plain token event in the middle of a stream does not need.
        super().tokens(first, count)
        form, aside, script = self._form, self._outlet.aside, self._answer.script
        if not first:
            self._send_head()
            for event in form.begin():
                aside(frame(event))
        for index, span, offset, tokens in script.cut(first, count):
            if not offset:
                for event in form.open(index, span):
                    aside(frame(event))
            field, stamp = b"", b""
            if self._stamps is not Stamps.NONE:
                field, stamp = self._stamp(span.first + offset, text=span.part is Part.TEXT)
            text = stamp + span.say(offset, tokens)
            last = span.first + offset + tokens == script.total
            event = form.delta(index, span, field=field, text=text, last=last)
            if event:
                self._event(frame(self._padded(event)))
            if offset + tokens == span.count:
                for event in form.close(index, span):
                    aside(frame(event))

    def _padded(self, event: bytes) -> bytes:
        missing = self._host.event_bytes - len(event)
        if missing <= len(_PAD):
            return event
        body = event.rstrip()
        return b'%b%b%b"}%b' % (
            body[:-1],
            _PAD,
            b"x" * (missing - len(_PAD) - 1),
            event[len(body) :],
        )

    def _send_head(self) -> None:
        if not self._headed:
            self._headed = True
            self._outlet.head(
                self._host.heads.render(
                    200, self._form.stream_type, None, request_id=self._record.id.encode()
                )
            )
