"""Calls whose stream goes on at another engine when the one that began it breaks off.

Only calls that ask for it, or whose model the settings name: their streams are read event by event,
and the request is kept to the end. All others take the ordinary way, which knows nothing of this.

    phase     event                           what follows
    STREAM    whole                           the end
              broken, silent, error inside    judged like a failed attempt: QUEUE or the error event
    QUEUE     as before a commit: another engine is asked for the rest of the answer;
    CONNECT   but what would be an error answer is an error event in the stream
    WAIT
    WAIT      the rest begins                 STREAM: the client gets it as the same stream

Who may go on: a backend of the same model whose kind knows a way (`Engine.resumes`). It is asked on
the same path as the first, or in chat and by translation: if the first was, or if it has spoken the
client's own dialect (`dialects/retelling`). What cannot be told by the text so far, no engine can
go on with: see the objections of `dialects/resuming` and `dialects/splicing`.
"""

from typing import TYPE_CHECKING, Final

import msgspec
from typing_extensions import override

from proxy.core import bulk, peek
from proxy.core.failure import STREAM, WAIT, Failure
from proxy.dialects import resuming
from proxy.dialects.profile import Resume
from proxy.dialects.retelling.table import TOLD
from proxy.dialects.retelling.told import Told
from proxy.dialects.splicing import Splice
from proxy.dialects.translate import asking
from proxy.dialects.translate.answering import ChatAnswer
from proxy.dialects.translate.base import Translated
from proxy.flow import able, carriage, deadlines, finish, ways
from proxy.flow.attempts import Attempts
from proxy.flow.continued import ContinuingRelay
from proxy.flow.gathering import StreamOpening
from proxy.flow.outgoing import head_for
from proxy.upstream import framing

if TYPE_CHECKING:
    from proxy.core.backend import Backend
    from proxy.core.call import Call
    from proxy.core.catalog import Target
    from proxy.flow.course import Client, Course, Request, Side
    from proxy.flow.relay import Relay
    from proxy.upstream.exchange import Connection
    from proxy.upstream.framing import ResponseHead

_REFRAMED: Final = (framing.CHUNKED, framing.EOF)
_ENCODED: Final = b"content-encoding:"


def continues(course: "Course", request: "Request", call: "Call") -> bool:
    """Tell whether a streamed call is to be continued, should it break off."""
    if request.continues is False:
        return False
    return bool(request.continues) or (
        course.continues is not None and course.continues(call.model)
    )


class ContinuingAttempts(Attempts):
    """A call whose stream may go on elsewhere."""

    __slots__ = ("_first_at", "_path", "_splice", "_spliced")

    def __init__(
        self,
        course: "Course",
        call: "Call",
        client: "Client",
        request: "Request",
        targets: "tuple[Target, ...]",
    ) -> None:
        super().__init__(course, call, client, request, targets)
        self._spliced: ContinuingRelay | None = None  # since the commit, if it can be continued
        self._splice: Splice | None = None
        self._path = ""  # on which engines are asked; not the caller's if translated
        self._first_at = 0.0  # when the first token came, once the stream has broken off

    # the commit ------------------------------------------------------------------------------

    @override
    def commit(self, head: "ResponseHead", length: int) -> "tuple[Relay, bytes]":
        if self._spliced is not None:
            return self._rejoin(self._spliced, head), b""
        call, course, body = self.call, self.course, self.call.body
        connection, side, answer = self._connection, self._side, self.answer
        assert connection is not None
        assert side is not None
        splice = self._begin(head, side)
        made = super().commit(head, length)
        if splice is None:
            return made
        call.body = body
        relay = ContinuingRelay(
            self, head, connection, done_required=side.engine.done_required, now=course.now
        )
        relay.prepare(chunking=not self.client.http10)
        relay.carry(self, splice, answer, carriage.moment(self))
        relay.last_at = made[0].last_at
        self.relay = self._spliced = relay
        self._splice = splice
        connection.redirect(relay)
        return relay, made[1]

    def _begin(self, head: "ResponseHead", side: "Side") -> Splice | None:
        """Return what is to read this stream; None if it could not be continued anyway."""
        call = self.call
        hears = TOLD.get(call.path) if side.speaks(call.path) else None
        room = self.course.continue_room - call.body_size
        readable = head.stream == (hears or Told).stream and head.framing in _REFRAMED
        if room <= 0 or not readable or _ENCODED in head.fields or bulk.excess(call.body):
            return None
        asked = self._asked(side)
        if asked is None or resuming.objection(*asked):
            return None
        if hears is not None and not hears.fits(call.body):
            return None
        self._path, body = asked
        return (hears or Splice)(room, resuming.most_tokens(body))

    def _asked(self, side: "Side") -> tuple[str, bytes] | None:
        """Return path and body of this call as they are for an engine, from its beginning."""
        call = self.call
        if call.path in resuming.PATHS and side.speaks(call.path):
            return call.path, call.body
        made = self._translated(side)
        return None if made is None else (made.path, made.body)

    def _translated(self, side: "Side") -> Translated | None:
        call = self.call
        if not asking.reachable(call.path, side.engine):
            return None
        made = carriage.translate(self.course, call, side.engine, self.targets)
        return made if isinstance(made, Translated) else None

    def _rejoin(self, relay: ContinuingRelay, head: "ResponseHead") -> "Relay":
        """Let the stream go on with the answer that has just begun."""
        call, connection, side = self.call, self._connection, self._side
        lease, timeouts = self._lease, self.timeouts
        assert connection is not None
        assert side is not None
        assert lease is not None
        assert timeouts is not None
        self.phase = STREAM
        self._end_retry()
        lease.first_token()
        relay.last_at = now = self.course.now()
        call.first_token_at = self._first_at or now
        call.continued += 1
        relay.rejoin(connection, head, done_required=side.engine.done_required)
        connection.redirect(relay)
        if self.paused_at:
            connection.pause()
        if 0.0 < timeouts.idle < deadlines.HEARTBEAT:
            deadlines.look_soon(self, now)
        return relay

    # broken off --------------------------------------------------------------------------------

    def broken(self, failure: Failure) -> None:
        """Find another engine for the rest of a stream whose own has failed."""
        relay = self._spliced
        assert relay is not None
        assert self._splice is not None
        self._connection = None
        if self._splice.tokens:
            self._first_at = self._first_at or self.call.first_token_at
        if isinstance(self._splice, Told) and self._retold(self._splice).complete:
            relay.conclude(failure)
            return
        self.targets = able.kept(self.targets, self._resumes)
        self.failed(msgspec.structs.replace(failure, retryable=True))

    def _retold(self, told: Told) -> Splice:
        """Let a stream in the client's own dialect go on by translation."""
        call, relay, side = self.call, self._spliced, self._side
        assert relay is not None
        assert side is not None
        made = self._translated(side)
        assert made is not None  # it could be translated when it began
        assert isinstance(made.answer, ChatAnswer)
        begun_at = call.first_token_at + carriage.moment(self)
        self._splice = splice = told.retell(made.answer, begun_at)
        relay.retell(splice, made.answer)
        return splice

    def concluded(self, failure: Failure) -> None:
        """End well, although the engine has failed: its client has the whole text."""
        self._connection = None
        lease, self._lease = self._lease, None
        assert lease is not None
        finish.settle(self.course, lease, failure, self.course.now())
        self.ended(None, whole=True)

    def _resumes(self, backend: "Backend") -> bool:
        """Tell whether a backend could go on with what has been said."""
        assert self._splice is not None
        call, side = self.call, self.course.sides[backend]
        straight = self._path == call.path
        if not (side.speaks(call.path) if straight else asking.reachable(call.path, side.engine)):
            return False
        return self._path in side.engine.resumes or not self._splice.said

    @override
    def _send(self, connection: "Connection") -> None:
        splice, side, timeouts = self._splice, self._side, self.timeouts
        if splice is None:
            super()._send(connection)
            return
        assert side is not None
        assert timeouts is not None
        asked = self._asked(side)
        assert asked is not None  # it could be translated before, for the same kind or another
        call, request, (path, body) = self.call, self.request, asked
        resume = side.engine.resumes.get(path, Resume.NO)
        body = resuming.resumed(path, body, resume, splice.said, splice.tokens)
        if call.native_model != call.model:
            body = peek.rename(body, call.native_model)
        way = request.ways.get(side.mark) or request.way_to(side)
        if way.line and path != call.path:
            way = ways.around(request.fields_for(side), side.engine)
        line = way.line or ways.line(path, side.engine)
        self._connection = connection
        self.phase = WAIT
        call.dispatched_at = now = self.course.now()
        deadlines.allow(self, timeouts.first_token, now)
        head = head_for(call, line, way, side.pool, body)
        connection.begin(head, body, StreamOpening(self, side.engine))

    # the end -----------------------------------------------------------------------------------

    @override
    def _give_up(self, failure: Failure) -> None:
        if self._spliced is None:
            super()._give_up(failure)
        else:
            self._spliced.give_up(failure)

    @override
    def stop(self, failure: Failure) -> None:
        if self._spliced is None or self.phase is STREAM:
            super().stop(failure)
        elif not self.call.end:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.leave()
            self._spliced.give_up(failure)

    @override
    def _end(self, failure: Failure | None, *, refuse: bool = False) -> None:
        if self._first_at:
            self.call.first_token_at = self._first_at
        super()._end(failure, refuse=refuse)
        self._spliced = None  # they refer to each other

    # the client ----------------------------------------------------------------------------------

    @override
    def client_gone(self) -> None:
        if self._spliced is not None:
            self.phase = STREAM  # it leaves an answer that has begun
        super().client_gone()

    @override
    def client_paused(self) -> None:
        if self._spliced is None or self.phase is STREAM:
            super().client_paused()
        else:
            self.paused_at = self.course.now()
