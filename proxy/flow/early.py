"""Streams whose client hears something before the engine does: the head at once, then comments.

For what stands between a client and this proxy and closes what is silent: nginx after 60 s, load
balancers after 30 to 350. A call in a queue, or with a long prompt, is silent for longer. Opt-in,
by model, for streams of server-sent events.

    promise   event                      what follows
    none      the time has come          the head goes out, with a first sign of life: promised
              the engine begins          as without this; nothing was promised
              refused, given up          as without this
    promised  a further `every` seconds  a sign of life; none while the client does not read
              the engine begins          its events follow; its head is left out
              given up                   an error event, and an aborted body: the status was 200
              client gone                the end

Attempts before the first event are as invisible as ever; only the status is given away. So is what
an engine says with an error status: it is told in the event.

A sign of life is a comment, which every reader of event streams passes over; for clients of the
Anthropic API it is the `ping` event their API has for it. Streams of lines (Ollama) have neither.
"""

from functools import cache
from typing import TYPE_CHECKING, Final, cast

import msgspec
from typing_extensions import override

from proxy.core.early import Policy
from proxy.core.failure import Failure, Kind
from proxy.dialects.openai_api import engine_error, error_event
from proxy.flow.attempts import Attempts
from proxy.flow.commit import answer_head, head_bytes
from proxy.flow.gathering import StreamOpening
from proxy.flow.wholes import framed
from proxy.upstream import framing

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.call import Call
    from proxy.flow.course import Maker, Request
    from proxy.flow.relay import Relay
    from proxy.upstream.framing import ResponseHead

_COMMENT: Final = b": waiting\n\n"
_PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'
_STREAMED: Final = frozenset({"chat", "completions", "responses", "messages"})
_FIELDS: Final = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
_REFRAMED: Final = (framing.CHUNKED, framing.EOF)


class Earlies:
    """All calls of a course that are committed early. `policy_of` is asked for a model."""

    __slots__ = ("live", "policy_of")

    def __init__(self) -> None:
        self.policy_of: Callable[[str], Policy | None] = _none
        self.live: dict[Attempts, Promise] = {}

    def maker(self, make: "Maker", request: "Request", call: "Call") -> "Maker":
        """Return what drives a call: `make`, or the same with an early commit."""
        if not call.stream or request.operation.name not in _STREAMED:
            return make
        return _early(make) if self.policy_of(call.model) is not None else make


class Promise:
    """What one call's client has been given. The timer holds this, and this the call."""

    __slots__ = ("_every", "attempts", "given")

    def __init__(self, attempts: "EarlyAttempts", every: float) -> None:
        self.attempts: EarlyAttempts | None = attempts
        self.given = False
        self._every = every

    def due(self) -> None:
        """Give a sign of life, and see that another follows."""
        attempts = self.attempts
        if attempts is None:
            return
        if not attempts.paused_at:
            head = b"" if self.given else attempts.early_head()
            self.given = True
            attempts.say(_PING if attempts.call.surface == "anthropic" else _COMMENT, head)
        attempts.course.later(self._every, self.due)

    def close(self) -> None:
        """Give no more."""
        self.attempts = None


class EarlyOpening(StreamOpening):
    """The opening of a stream of events; no other answer can follow the head that is out."""

    __slots__ = ()

    @override
    def head(self, head: "ResponseHead", length: int) -> None:
        super().head(head, length)
        if not self.dead and head.status < 300 and head.stream != "sse":
            self._drop(
                Kind.BAD_RESPONSE, "the engine was asked for a stream of events and sent lines"
            )


class EarlyAttempts(Attempts):
    """A call whose client hears of it early. What was promised is in the course's `early`."""

    __slots__ = ()

    opens = EarlyOpening

    @property
    def _promises(self) -> "dict[Attempts, Promise]":
        early = self.course.early
        assert isinstance(early, Earlies)
        return early.live

    @override
    def start(self) -> None:
        course, call = self.course, self.call
        early = course.early
        assert isinstance(early, Earlies)
        policy = early.policy_of(call.model)
        super().start()
        if policy is None or call.end:
            return
        promise = early.live[self] = Promise(self, policy.every)
        course.later(policy.after, promise.due)

    def early_head(self) -> bytes:
        """Return the head of an answer of which nothing is known yet."""
        call = self.call
        call.status = 200
        head = answer_head(200, b"OK", _FIELDS)
        shown = msgspec.structs.replace(head, framing=framing.EOF, stream="sse")
        return head_bytes(shown, -1, call, self.client)

    def say(self, event: bytes, head: bytes = b"") -> None:
        """Send the client an event of ours."""
        self.client.write(head + (event if self.client.http10 else framed(event)))

    def _resolved(self) -> bool:
        """Close the promise, if there is one; tell whether the client has been given a head."""
        promise = self._promises.pop(self, None)
        if promise is None:
            return False
        promise.close()
        return promise.given

    @override
    def commit(self, head: "ResponseHead", length: int) -> "tuple[Relay, bytes]":
        if not self._resolved():
            return super().commit(head, length)
        if head.framing not in _REFRAMED:  # the client was told that chunks follow
            head = msgspec.structs.replace(head, framing=framing.EOF)
        relay, _ = super().commit(head, length)
        return relay, b""

    @override
    def _end(self, failure: Failure | None, *, refuse: bool = False) -> None:
        promised = self._resolved()
        if not (promised and refuse):
            super()._end(failure, refuse=refuse)
            return
        assert failure is not None
        self.say(_told(self.call, failure))
        super()._end(failure)
        self.client.answered(whole=False)


def _told(call: "Call", failure: Failure) -> bytes:
    """Return the event that says what would have been the answer; an engine's own words, if any."""
    if failure.kind is not Kind.STATUS or failure.body is None:
        return error_event(call.surface, failure, call.request_id)
    said = engine_error(call.surface, failure, call.request_id)
    name = b"event: error\n" if call.surface == "anthropic" else b""
    return name + b"".join([b"data: %b\n" % line for line in said.splitlines()]) + b"\n"


@cache
def _early(make: "Maker") -> "Maker":
    """Return the class `make` with an early commit."""
    kind = cast("type[Attempts]", make)
    return type(f"Early{kind.__name__}", (EarlyAttempts, kind), {"__slots__": ()})


def _none(_model: str) -> Policy | None:
    return None
