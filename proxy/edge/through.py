"""One request that passes through unread: to one backend, streamed both ways, ended once.

Nothing of it is held but what the two kernels and write buffers hold: who is slower pauses the
other. So it is never retried, except that another backend is dialled while there is one to dial.

    phase     event                              what follows
    CONNECT   connected                          WAIT: the request's head goes out, its body behind
              failed, late                       the next holder, or the end
    WAIT      the engine's head                  STREAM
              failed, late, body broken          the end: an error answer
    STREAM    whole                              the end
              failed, late, stopped              the end: the body is broken off
    any       client gone                        the end: the engine is left at once
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from typing_extensions import override

from proxy.core.call import OK, Call
from proxy.core.failure import CONNECT, QUEUE, STREAM, WAIT, Failure, Kind, Origin
from proxy.edge.answer import Answer, fault, verdict
from proxy.edge.passing import Passed
from proxy.edge.slowness import LOOK, Clock
from proxy.flow.commit import head_bytes
from proxy.flow.course import Client
from proxy.flow.holders import Holder, holders, unavailable
from proxy.upstream import line
from proxy.upstream.framing import LAST_CHUNK, ResponseHead

if TYPE_CHECKING:
    from proxy.core.backend import Lease
    from proxy.flow.course import Course
    from proxy.settings.schema import Limits, Timeouts
    from proxy.upstream.exchange import Connection
    from proxy.upstream.pool import Dial

HELD: Final = 64 * 1024  # bytes of a body that may wait for the connection to its engine


class Peer(Client, Protocol):
    """The client's connection."""

    def hold(self) -> None:
        """Read no more from the client."""

    def read_on(self) -> None:
        """Read again."""

    def switch(self) -> bool:
        """Direct every byte to `from_client` from now on; False if some have been lost already."""


class Through:
    """One request; `over` hears of its end.

    Fulfils `upstream.line.User` and `core.wheel.Timed`, and for its client what attempts do.
    """

    __slots__ = (
        "_answer",
        "_clock",
        "_dial",
        "_held",
        "_holder",
        "_holders",
        "_lease",
        "_line",
        "_over",
        "_timeouts",
        "_unread",
        "_uploaded",
        "_waiting",
        "call",
        "client",
        "course",
        "deadline",
        "passed",
        "phase",
    )

    def __init__(
        self,
        course: "Course",
        call: Call,
        client: Peer,
        passed: Passed,
        *,
        limits: "Limits",
        over: "Callable[[Through], None]",
    ) -> None:
        self.course = course
        self.call = call
        self.client = client
        self.passed = passed
        self.phase = QUEUE
        self.deadline = 0.0  # when the clock is looked at
        self._over = over
        self._clock = Clock(limits, call.received_at)
        self._timeouts: Timeouts | None = None
        self._holders: tuple[Holder, ...] = ()
        self._holder: Holder | None = None
        self._lease: Lease | None = None
        self._dial: Dial | None = None
        self._line: line.Line | None = None
        self._answer: Answer | None = None
        self._held: list[bytes] = []  # of the body, until the engine's connection stands
        self._waiting = 0  # bytes of it
        self._uploaded = False
        self._unread = False  # the client does not read

    @override
    def __repr__(self) -> str:
        """Show the call and where it stands."""
        return f"<Through {self.phase.name} {self.call!r}>"

    # choosing --------------------------------------------------------------------------------

    def start(self, refusal: Failure | None = None) -> None:
        """Begin; with `refusal` the end is all there is."""
        call, passed = self.call, self.passed
        self.course.started()
        call.surface = passed.passage.dialect
        call.method, call.model, call.pin = passed.method, passed.model, passed.request.pin
        if passed.request.timeout:
            self._clock.deadline = call.received_at + passed.request.timeout
        found = refusal or holders(self.course, passed.passage, passed.request, passed.model)
        if isinstance(found, Failure):
            self._end(found)
            return
        self._holders = found
        self._look_later(self.course.now())
        self._next(None)

    def _next(self, failure: Failure | None) -> None:
        """Dial the best holder that has not been tried; `failure` is that of the one before."""
        call, course = self.call, self.course
        now = course.now()
        backend = course.selector.pick(
            tuple(holder.backend for holder in self._holders),
            prompt_work=0.0,
            output_work=0.0,
            tried=call.tried,
            now=now,
        )
        if backend is None:
            self._end(failure or unavailable(self.passed.passage, self._holders))
            return
        holder = next(one for one in self._holders if one.backend is backend)
        self._holder = holder
        call.backend, call.native_model = backend, holder.native
        call.attempts += 1
        self._timeouts = course.timeouts_of(holder.native, backend)
        if call.model:  # a session that computes; the rest costs an engine next to nothing
            work = course.estimator.expected(call.model, None)
            self._lease = backend.lease(0.0, work, now)
        self.phase = CONNECT
        self._clock.begin(now)
        self._dial = course.sides[backend].pool.dial(self._connected, self._refused, line.make)

    def _refused(self, failure: Failure) -> None:
        """Hear that no connection could be opened."""
        call, course, holder = self.call, self.course, self._holder
        assert holder is not None
        self._dial = None
        self._release()
        call.tried.append(holder.backend)
        course.suspect(holder.backend)
        more = len(call.tried) < len(self._holders)
        for observer in course.observers:
            observer.attempt_failed(call, failure, retried=more)
        self._next(failure)

    # the request -----------------------------------------------------------------------------

    def _connected(self, connection: "Connection") -> None:
        call, passed, holder = self.call, self.passed, self._holder
        assert holder is not None
        self._dial = None
        side = self.course.sides[holder.backend]
        self._line = engine = line.of(connection)
        self.phase = WAIT
        call.dispatched_at = now = self.course.now()
        self._clock.begin(now)
        self._use(engine, passed.head(holder.native, side, call.request_id))
        held, self._held = self._held, []
        for data in held:
            engine.send(data)
        self.client.read_on()

    def _use(self, engine: line.Line, head: bytes) -> None:
        engine.use(head, self)

    def more(self, data: bytes) -> None:
        """Take a piece of the request's body."""
        self._clock.moved += 1
        self.call.body_size += len(data)
        self._send(b"%x\r\n%b\r\n" % (len(data), data) if self.passed.length < 0 else data)

    def uploaded(self) -> None:
        """Hear that the body is whole."""
        self._uploaded = True
        if self.passed.length < 0:
            self._send(LAST_CHUNK)

    def _send(self, data: bytes) -> None:
        if self._line is not None:
            self._line.send(data)
            return
        self._held.append(data)
        self._waiting += len(data)
        if self._waiting > HELD:
            self.client.hold()

    def engine_full(self) -> None:
        """Stop reading from the client: its engine is slower."""
        self.client.hold()

    def engine_ready(self) -> None:
        """Read on."""
        self.client.read_on()

    # the answer ------------------------------------------------------------------------------

    def head(self, head: ResponseHead, length: int) -> None:
        """Take the engine's head, which goes to the client at once."""
        if 300 <= head.status < 400 and head.status != 304:
            self._end(fault(Kind.BAD_RESPONSE, f"the engine answered {head.status}, a redirect"))
            return
        self._began(head.status)
        client = self.client
        if not self._uploaded:
            client.closing = True  # what it is still sending is in the way of its next request
        self._answer = Answer(head, http10=client.http10)
        client.write(head_bytes(head, length, self.call, client))
        if self.passed.method == "HEAD":
            self._end(verdict(self.call.status))

    def whole(self, head: ResponseHead, length: int, body: bytes) -> None:
        """Take an answer that is here whole."""
        self.head(head, length)
        if not self.call.end:
            self.last(body)

    def chunk(self, data: bytes) -> None:
        """Pass a piece on."""
        assert self._answer is not None
        self._count(data)
        data = self._answer.piece(data)
        if data:
            self.client.write(data)

    def last(self, data: bytes) -> None:
        """Pass the final piece on, and end."""
        answer = self._answer
        assert answer is not None
        if answer.stray(data):
            self.client.closing = True
        self._count(data)
        self.client.write(answer.last(data))
        self._end(verdict(self.call.status))

    def failed(self, failure: Failure) -> None:
        """Hear that the engine's connection broke, or that what came over it is not usable."""
        if self.phase is STREAM:
            self._end(self._departed(Origin.BACKEND, failure))
        else:
            assert self._holder is not None
            self.course.suspect(self._holder.backend)
            self._end(failure)

    def _began(self, status: int) -> None:
        call = self.call
        self.phase = STREAM
        call.status, call.committed = status, True
        call.first_byte_at = call.first_token_at = now = self.course.now()
        self._clock.begin(now)
        if self._lease is not None:
            self._lease.first_token()
        if self._unread and self._line is not None:
            self._line.pause()

    def _count(self, data: bytes) -> None:
        call = self.call
        self._clock.moved += 1
        call.chunks += bool(data)
        call.bytes_out += len(data)

    # the client ------------------------------------------------------------------------------

    def client_gone(self) -> None:
        """Leave the engine at once; it still hears what a WebSocket's client has said last."""
        if self.call.end:
            return
        failure = Failure(
            kind=Kind.CLIENT_GONE,
            origin=Origin.CLIENT,
            phase=self.phase,
            detail="the client closed the connection",
        )
        self._end(self._departed(Origin.CLIENT, failure), gone=True)

    def client_paused(self) -> None:
        """Stop reading from the engine: the client's buffer is full."""
        self._unread = True
        if self._line is not None:
            self._line.pause()

    def client_resumed(self) -> None:
        """Read on."""
        self._unread = False
        self._clock.moved += 1
        if self._line is not None:
            self._line.resume()

    # the end ---------------------------------------------------------------------------------

    def expired(self, now: float) -> None:
        """Look at the clock."""
        if self.call.end:
            return
        line_, timeouts = self._line, self._timeouts
        assert timeouts is not None
        taking = line_ is None or not line_.transport.get_write_buffer_size()
        late = self._clock.late(
            self.phase,
            timeouts,
            now,
            sending=not self._uploaded and taking,
            reading=not self._unread,
        )
        if late is None:
            self._look_later(now)
        elif self.phase is CONNECT and self._dial is not None and late.kind is Kind.CONNECT_TIMEOUT:
            self._look_later(now)
            self._dial.cancel()
            self._refused(late)
        else:
            self.stop(late)

    def _look_later(self, now: float) -> None:
        self.deadline = now + LOOK
        self.course.wheel.add(self, self.deadline)

    def stop(self, failure: Failure) -> None:
        """End now, however far it is."""
        if self.call.end:
            return
        self._end(failure)

    def go_away(self) -> None:
        """Hear that the proxy is about to stop: this may go on for a while."""

    def _departed(self, origin: Origin, failure: Failure) -> Failure | None:
        """Return what it means that a side is gone in the middle."""
        if origin is Origin.CLIENT:
            return failure
        kind = Kind.TRUNCATED if failure.kind is Kind.CLOSED else failure.kind
        return fault(kind, failure.detail, STREAM)

    def _release(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.release()

    def _end(self, failure: Failure | None, *, gone: bool = False) -> None:
        """Give everything back and end the call, once."""
        call, course = self.call, self.course
        assert not call.end, f"a second end of {call!r}"
        call.failure = failure
        call.end = OK if failure is None else failure.code
        call.ended_at = call.last_chunk_at = course.now()
        course.wheel.discard(self)
        self._let_go()
        self._release()
        self._held = []
        # After a WebSocket there is no message any more that could follow.
        whole = call.status != 101 and (failure is None or failure.kind is Kind.STATUS)
        if not (call.committed or gone):
            assert failure is not None
            self.client.refuse(call, failure)  # first: observers are to see the status it is given
        for observer in course.observers:
            observer.finished(call)
        if failure is None and self._holder is not None and self.passed.passage.changes:
            course.reread(self._holder.backend)
        self._over(self)
        if call.committed and not gone:
            self.client.answered(whole=whole)

    def _let_go(self) -> None:
        dial, self._dial = self._dial, None
        if dial is not None:
            dial.cancel()
        engine, self._line = self._line, None
        if engine is not None:
            self._leave(engine)

    def _leave(self, engine: line.Line) -> None:
        engine.leave()
