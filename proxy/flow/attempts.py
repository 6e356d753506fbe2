"""Attempt after attempt until one commits: pick, lease, connect, send, retry or give up.

One `Attempts` drives one call. Its phase is the state, and every event has one handler:

    phase     event                         what follows
    (start)   -                             pick: CONNECT or WAIT; nothing to pick: QUEUE or the end
    QUEUE     room, deadline, client gone   pick again; the end (503); the end
    CONNECT   connected, failed, deadline   WAIT; retry or the end
    WAIT      `flow/opening` commits        STREAM
              `flow/opening` drops          retry or the end
    STREAM    whole, broken, deadline       the end; nothing is retried any more

Whatever happens, `flow/finish` ends the call once and every lease is given back once.
"""

from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from proxy.core import retry
from proxy.core.failure import CONNECT, QUEUE, STREAM, WAIT, Failure, Kind, Origin
from proxy.flow import carriage, choice, deadlines, finish, pump, reckon, verdicts
from proxy.flow.commit import begun, head_bytes
from proxy.flow.opening import Opening
from proxy.flow.outgoing import engine_request
from proxy.flow.ways import TRANSLATED

if TYPE_CHECKING:
    from proxy.core.admission import Ticket
    from proxy.core.backend import Backend, Lease
    from proxy.core.call import Call
    from proxy.core.catalog import Target
    from proxy.dialects.translate.base import Answer
    from proxy.flow.course import Client, Course, Request, Side
    from proxy.flow.relay import Relay
    from proxy.settings.schema import Timeouts
    from proxy.upstream.exchange import Connection
    from proxy.upstream.framing import ResponseHead
    from proxy.upstream.pool import Dial


class Attempts:
    """One call on its way to an answer. `deadline` is when its clocks are looked at again."""

    opens: "ClassVar[type[Opening]]" = Opening
    __slots__ = (
        "_budget",
        "_connection",
        "_dial",
        "_fresh",
        "_killed",
        "_lease",
        "_queued_at",
        "_retrying",
        "_side",
        "_ticket",
        "answer",
        "call",
        "client",
        "course",
        "deadline",
        "due",
        "last_failure",
        "paused_at",
        "phase",
        "relay",
        "request",
        "targets",
        "timeouts",
    )

    def __init__(
        self,
        course: "Course",
        call: "Call",
        client: "Client",
        request: "Request",
        targets: "tuple[Target, ...]",
    ) -> None:
        self.call = call
        self.client = client
        self.request = request
        self.targets = targets
        self.phase = QUEUE
        self.deadline = 0.0
        self.due = 0.0  # when the present phase has lasted too long; 0 = never
        self.paused_at = 0.0  # since when the client has not read; 0 = it reads
        self.last_failure: Failure | None = None
        self.course = course
        self._budget = course.budget_of(call.model)
        self._side: Side | None = None
        self.timeouts: Timeouts | None = None
        self._ticket: Ticket[Attempts] | None = None
        self._queued_at = 0.0
        self._lease: Lease | None = None
        self._dial: Dial | None = None
        self._connection: Connection | None = None
        self.answer: Answer | None = None  # translates a stream for this client
        self.relay: Relay | None = None
        self._fresh = False  # take no pooled connection: one has just proved stale
        self._retrying = False  # holds a place in the retry budget
        self._killed = 0  # backends that broke while working on this call

    @override
    def __repr__(self) -> str:
        return f"<Attempts {self.phase.name} {self.call!r}>"

    # choosing --------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        call, course = self.call, self.course
        course.calls.add(self)
        self._budget.in_flight += 1
        course.started()
        now = call.received_at
        when = now + deadlines.HEARTBEAT
        self.deadline = min(when, call.deadline) if call.deadline else when
        if course.queues.count:
            pump.run(course)  # who waits goes first
        self.proceed(now)

    def proceed(self, now: float) -> None:
        """Go to the best backend, or wait for one."""
        if self._queued_at:
            self.call.queued_s += now - self._queued_at
            self._queued_at = 0.0
            self._ticket = None
        picked = choice.pick(self, now)
        if picked is not None:
            self._launch(picked[0], picked[1], now)
        elif choice.untried(self):
            self._wait(now)
        else:
            self._give_up(self.last_failure or choice.no_backend(self, now))

    def _wait(self, now: float) -> None:
        self.phase = QUEUE
        if not deadlines.may_wait(self, now):
            self._give_up(choice.waited_in_vain(self, now))
            return
        outcome = choice.queued(self, now)
        if isinstance(outcome, Failure):
            self._give_up(outcome)
            return
        self._ticket = outcome
        self._queued_at = now

    def _launch(self, target: "Target", backend: "Backend", now: float) -> None:
        call, course = self.call, self.course
        call.attempts += 1
        call.backend = backend
        call.native_model = target.native[backend.name]
        if course.queues.waited and call.grant is not None:
            choice.count_in(self, now)
        timeouts = self.timeouts = course.timeouts_of(call.native_model, backend)
        if timeouts.total or call.deadline:
            deadlines.overall(self, timeouts.total, now)
        self._lease = backend.lease(call.prompt_work, call.output_work, now)
        side = self._side = course.sides[backend]
        pool = side.pool
        connection = None if self._fresh else pool.take(now)
        if connection is not None:
            self._send(connection)
            return
        self.phase = CONNECT
        deadlines.allow(self, timeouts.connect, now)
        self._dial = pool.dial(self._connected, self.failed)

    def _connected(self, connection: "Connection") -> None:
        self._dial = None
        self._send(connection)

    def _send(self, connection: "Connection") -> None:
        call, side, timeouts = self.call, self._side, self.timeouts
        assert side is not None
        assert timeouts is not None
        request = self.request
        way = request.ways.get(side.mark) or request.way_to(side)
        if way.form and (way.form == TRANSLATED or not call.stream):
            made = carriage.load(self, side, way)
            if not isinstance(made, carriage.Load):
                carriage.unsent(self, side, connection, made)
                return
            head, body, opening, self.answer = made
        else:
            head, body = engine_request(call, request, way, side.pool)
            opening = self.opens(self, side.engine, way)
        self._connection = connection
        self.phase = WAIT
        call.dispatched_at = now = self.course.now()
        patience = timeouts.first_token
        if patience >= deadlines.HEARTBEAT:  # the usual case, without the call
            self.due = now + patience
        else:
            deadlines.allow(self, patience, now)
        connection.begin(head, body, opening)

    # the answer ------------------------------------------------------------------------------

    def commit(self, head: "ResponseHead", length: int) -> "tuple[Relay, bytes]":
        """Commit to an answer that is still arriving; return its relay and the client's head.

        From here on nothing is retried.
        """
        call, course, connection, side = self.call, self.course, self._connection, self._side
        timeouts, lease = self.timeouts, self._lease
        assert connection is not None
        assert side is not None
        assert timeouts is not None
        assert lease is not None
        self.phase, self.last_failure = STREAM, None
        if self._retrying:
            self._end_retry()
        call.committed = True
        call.status = head.status
        call.body = b""
        lease.first_token()
        call.first_token_at = call.first_byte_at = now = course.now()
        relay, fields = begun(head, length, self, connection, side.engine)
        self.relay = relay
        connection.redirect(relay)
        if self.paused_at:
            connection.pause()
        if 0.0 < timeouts.idle < deadlines.HEARTBEAT:
            relay.last_at = now
            deadlines.look_soon(self, now)
        return relay, fields

    def complete(self, head: "ResponseHead", length: int, body: bytes) -> None:
        """Commit to a plain answer that is here whole, and end with it: no relay is needed."""
        call, course, client, lease = self.call, self.course, self.client, self._lease
        assert lease is not None
        self._connection = self._lease = None
        now = course.now()
        call.committed = True
        call.status = head.status
        call.first_byte_at = call.last_chunk_at = call.ended_at = now
        call.first_token_at = call.first_token_at or now
        call.chunks = 1 if body else 0
        call.bytes_out = len(body)
        client.write(head_bytes(head, length, call, client) + body)
        reckon.leave(call, body)
        if self._retrying:
            self._end_retry()
        finish.settle(course, lease, None, now)
        self._budget.in_flight -= 1
        finish.end(course, self, None)
        client.answered(whole=True)
        if course.queues.count:
            pump.run(course)

    def first_token(self, now: float) -> None:
        """Note the first token of an answer that is gathered here; calls after it do nothing."""
        if not self.call.first_token_at and self._lease is not None:
            self.call.first_token_at = now
            self._lease.first_token()

    def ended(self, failure: Failure | None, *, whole: bool) -> None:
        """Take the end of a committed answer from its relay."""
        self._connection = None
        self._end(failure)
        self.client.answered(whole=whole)
        if self.course.queues.count:
            pump.run(self.course)

    # an attempt has failed ---------------------------------------------------------------------

    def drop(self, failure: Failure) -> None:
        """Leave an attempt whose connection may still be opening or talking."""
        dial, self._dial = self._dial, None
        if dial is not None:
            dial.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.leave()
        self.failed(failure)

    def failed(self, failure: Failure) -> None:
        """Take the end of an attempt that served nothing: retry, or give up."""
        self._dial = self._connection = None
        call, course = self.call, self.course
        lease, self._lease = self._lease, None
        assert lease is not None
        backend = lease.backend
        finish.settle(course, lease, failure, course.now())
        self._end_retry()
        self.last_failure = failure
        self._killed += retry.kills(failure)
        call.tried.append(backend)
        call.first_token_at, self.answer = 0.0, None
        if failure.condition:
            verdicts.react(course, call, backend, failure)
        now = course.now()
        decision = retry.decide(
            failure,
            attempts=call.attempts,
            budget=self._budget,
            candidates_left=choice.untried(self),
            calm=choice.calm(self, failure, now),
            killed=self._killed,
            now=now,
            deadline=call.deadline,
            random=course.random,
        )
        for observer in course.observers:
            observer.attempt_failed(call, failure, retried=decision.retry)
        if not decision.retry:
            self._give_up(failure)
            return
        self._fresh = decision.same_backend
        if decision.same_backend:
            call.tried.pop()
        if decision.budgeted:
            self._budget.take()
            self._retrying = True
        self.phase, self.due = QUEUE, 0.0
        if decision.wait:
            call.tried.clear()
            self._wait(now)
        elif decision.delay:
            course.later(decision.delay, self._again)
        else:
            self.proceed(now)

    def _again(self) -> None:
        if not self.call.end:
            self.proceed(self.course.now())

    def _end_retry(self) -> None:
        if self._retrying:
            self._retrying = False
            self._budget.give()

    def _give_up(self, failure: Failure) -> None:
        """End the call with an answer that says why."""
        self._end(failure, refuse=True)
        pump.run(self.course)

    def _end(self, failure: Failure | None, *, refuse: bool = False) -> None:
        """Give everything back, then end the call; with `refuse` the failure is its answer."""
        course, call = self.course, self.call
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            choice.queue(self).cancel(ticket)
            call.queued_s += course.now() - self._queued_at
        if self._dial is not None:
            self._dial.cancel()
            self._dial = None
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
        if self._retrying:
            self._end_retry()
        now = call.ended_at = course.now()
        lease, self._lease = self._lease, None
        if lease is not None:
            finish.settle(course, lease, failure, now)
        self._budget.in_flight -= 1
        finish.end(course, self, failure, refuse=refuse)

    # the client ------------------------------------------------------------------------------

    def client_gone(self) -> None:
        """Stop everything at once: the engine must not work for nobody."""
        if self.call.end:
            return
        self._end(
            Failure(
                kind=Kind.CLIENT_GONE,
                origin=Origin.CLIENT,
                phase=self.phase,
                detail="the client closed the connection",
            )
        )
        pump.run(self.course)

    def client_paused(self) -> None:
        """Stop reading from the engine: the client's buffer is full."""
        self.paused_at = self.course.now()
        if self._connection is not None and self.relay is not None:
            self._connection.pause()
            self.relay.slim()

    def client_resumed(self) -> None:
        """Read on; the engine's silence counts from here."""
        self.paused_at = 0.0
        if self.relay is not None:
            self.relay.last_at = self.course.now()
        if self._connection is not None:
            self._connection.resume()

    def stop(self, failure: Failure) -> None:
        """End the call now, however far it is: with an error event or with an error answer."""
        if self.call.end:
            return
        if self.relay is not None:
            self.relay.stop(failure)
        else:
            self._give_up(failure)
