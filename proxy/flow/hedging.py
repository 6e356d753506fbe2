"""Calls that ask a second engine for the same answer when the first is slow to begin.

Only calls of models the settings name; all others take the ordinary way, which knows nothing of
this. There is one hedge a call at most, before its commit. Who begins first serves, and the other
is aborted at once.

    hedge     event                             what follows
    ARMED     first engine begins, fails, ends  gone: it is never sent
              its time has come                 ASKED, if there is an engine, and the allowance
    ASKED     it begins first                   it takes the attempt's place; the first is aborted
              the first begins, the call ends   aborted
              it fails                          held against its engine; the first goes on
              the first fails                   it takes the attempt's place, as the next try
"""

from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from typing_extensions import override

from proxy.core import peek, retry
from proxy.core.failure import CONNECT, WAIT, Failure, Kind, Origin
from proxy.core.hedging import Allowance, Beginnings, Policy
from proxy.flow import deadlines, finish, verdicts
from proxy.flow.attempts import Attempts
from proxy.flow.continuing import ContinuingAttempts
from proxy.flow.outgoing import head_for
from proxy.flow.ways import TRANSLATED

if TYPE_CHECKING:
    from proxy.core.backend import Backend, Lease
    from proxy.core.call import Call
    from proxy.flow.course import Course, Maker, Request, Side
    from proxy.flow.relay import Relay
    from proxy.flow.ways import Way
    from proxy.upstream.exchange import Connection
    from proxy.upstream.framing import ResponseHead
    from proxy.upstream.pool import Dial

# Asked twice they leave nothing behind at an engine, and cost it no more than tokens.
_SAFE: Final = frozenset(
    {"chat", "completions", "messages", "ollama_chat", "ollama_generate", "embeddings", "rerank"}
)
_STORED: Final = b'"store"'  # in a body: it may ask to keep the answer


class Outcome(StrEnum):
    """What became of a hedge, or why there was none although its time had come."""

    WON = "won"
    LOST = "lost"
    FAILED = "failed"
    NO_BACKEND = "no_backend"
    NO_BUDGET = "no_budget"


class _Account:
    """What is known about one model."""

    __slots__ = ("_plain", "_streamed", "allowance")

    def __init__(self) -> None:
        self.allowance = Allowance()
        # Plain answers begin when they are whole: at other times than streams.
        self._plain, self._streamed = Beginnings(), Beginnings()

    def beginnings(self, call: "Call") -> Beginnings:
        return self._streamed if call.stream else self._plain


class Hedges:
    """All hedges of a course, and what they go by. `policy_of` is asked for a model."""

    __slots__ = ("_accounts", "counts", "live", "policy_of")

    def __init__(self) -> None:
        self.policy_of: Callable[[str], Policy | None] = _none
        self.counts: Counter[Outcome] = Counter()
        self.live: dict[Attempts, Hedge | None] = {}  # None: armed
        self._accounts: dict[str, _Account] = {}  # by model; those asked for exist

    def maker(self, make: "Maker", request: "Request", call: "Call") -> "Maker":
        """Return what drives a call: `make`, or the same with a hedge."""
        operation = request.operation
        if operation.name not in _SAFE or call.pin is not None or _STORED in call.body:
            return make
        return _HEDGED.get(make, make) if self.policy_of(call.model) is not None else make

    def account(self, model: str) -> _Account:
        """Return what is known about a model."""
        return self._accounts.setdefault(model, _Account())


class Place(NamedTuple):
    """Where a hedge is sent."""

    backend: "Backend"
    native: str
    side: "Side"
    way: "Way"


class Hedge:
    """One call's second attempt: the owner of its opening until it begins, fails or is aborted."""

    __slots__ = ("_attempts", "connection", "dial", "lease", "place", "sent_at", "won")

    def __init__(self, attempts: "HedgedAttempts", place: Place, lease: "Lease") -> None:
        self._attempts = attempts
        self.place = place
        self.lease = lease
        self.won = False  # has taken the place of the first
        self.sent_at = 0.0
        self.connection: Connection | None = None
        self.dial: Dial | None = None

    def ask(self, now: float) -> None:
        """Ask the second engine."""
        pool = self.place.side.pool
        connection = pool.take(now)
        if connection is not None:
            self._send(connection)
        else:
            self.dial = pool.dial(self._connected, self.drop)

    def _connected(self, connection: "Connection") -> None:
        self.dial = None
        if self.won:
            self._attempts.connected(connection)
        else:
            self._send(connection)

    def _send(self, connection: "Connection") -> None:
        call, (_, native, side, way) = self._attempts.call, self.place
        place = self._attempts.request.model_at
        body = call.body if native == call.model else peek.renamed(call.body, native, place=place)
        self.connection = connection
        self.sent_at = self._attempts.course.now()
        head = head_for(call, way.line, way, side.pool, body)
        connection.begin(head, body, self._attempts.opens(self, side.engine, way))

    def commit(self, head: "ResponseHead", length: int) -> "tuple[Relay, bytes]":
        """Begin first: the other engine's answer is not needed any more."""
        if not self.won:
            self._attempts.lose(self)
        return self._attempts.commit(head, length)

    def complete(self, head: "ResponseHead", length: int, body: bytes) -> None:
        """Begin first, with an answer that is here whole."""
        if not self.won:
            self._attempts.lose(self)
        self._attempts.complete(head, length, body)

    def drop(self, failure: Failure) -> None:
        """Leave the engine; what the call waits for now is the first one's answer."""
        if self.won:
            self._attempts.drop(failure)
            return
        if self.connection is not None:
            self.connection.leave()
        self._attempts.hedge_failed(self, failure)

    def abort(self) -> None:
        """End what is not needed any more."""
        _abandon(self._attempts.course, self.dial, self.connection, self.lease)


class HedgedAttempts(Attempts):
    """A call that may ask a second engine. What it knows of that is in the course's `hedges`."""

    __slots__ = ()

    @property
    def _hedges(self) -> Hedges:
        hedges = self.course.hedges
        assert isinstance(hedges, Hedges)
        return hedges

    # before the answer -----------------------------------------------------------------------

    @override
    def start(self) -> None:
        policy = self._hedges.policy_of(self.call.model)
        if policy is not None:
            self._hedges.account(self.call.model).allowance.called(policy.budget)
        super().start()

    @override
    def _send(self, connection: "Connection") -> None:
        super()._send(connection)
        call, hedges = self.call, self._hedges
        if self.phase is not WAIT or call.attempts > 1:
            return
        policy = hedges.policy_of(call.model)
        if policy is None:  # other settings hold by now
            return
        late = hedges.account(call.model).beginnings(call).delay(policy)
        if late is not None:
            hedges.live[self] = None
            self.course.later(late, self._due)

    def _due(self) -> None:
        """Ask a second engine if the first has not begun, one is free, and it may be paid for."""
        hedges, call = self._hedges, self.call
        if hedges.live.get(self, self) is not None:  # not armed any more
            return
        now = self.course.now()
        place = self._second(now)
        if place is None:
            self._unhedged(Outcome.NO_BACKEND)
        elif not hedges.account(call.model).allowance.take():
            self._unhedged(Outcome.NO_BUDGET)
        else:
            call.attempts += 1
            lease = place.backend.lease(call.prompt_work, call.output_work, now)
            hedge = hedges.live[self] = Hedge(self, place, lease)
            hedge.ask(now)

    def _unhedged(self, why: Outcome) -> None:
        del self._hedges.live[self]
        self._hedges.counts[why] += 1

    def _second(self, now: float) -> Place | None:
        """Return the place for a hedge: as good as the first, and asked in the same way."""
        call, course, first = self.call, self.course, self.call.backend
        if first is None or self.phase is not WAIT or call.first_token_at:
            return None
        target = next(each for each in self.targets if first in each.candidates)
        backend = course.selector.pick(
            target.candidates,
            prompt_work=call.prompt_work,
            output_work=call.output_work,
            tried=(*call.tried, first),
            now=now,
        )
        if backend is None or backend.priority != first.priority:
            return None
        side = course.sides[backend]
        way = self.request.ways.get(side.mark) or self.request.way_to(side)
        read = way.form and (way.form == TRANSLATED or not call.stream)
        if read or backend.aside or not backend.breaker.closed:
            return None
        return Place(backend, target.native[backend.name], side, way)

    # which of the two ------------------------------------------------------------------------

    @override
    def commit(self, head: "ResponseHead", length: int) -> "tuple[Relay, bytes]":
        self._begun()
        return super().commit(head, length)

    @override
    def complete(self, head: "ResponseHead", length: int, body: bytes) -> None:
        self._begun()
        super().complete(head, length, body)

    def _begun(self) -> None:
        """Note that an engine has begun; if it is the first, the second is not needed."""
        if self.call.committed:
            return
        hedge = self._hedges.live.pop(self, None)
        if hedge is None or not hedge.won:
            self._learn()
        if hedge is not None and not hedge.won:
            hedge.abort()
            self._hedges.counts[Outcome.LOST] += 1

    def lose(self, hedge: Hedge) -> None:
        """Let a hedge that has begun take the place of the first engine, which has not."""
        self._learn()
        lease = self._lease
        assert lease is not None
        _abandon(self.course, self._dial, self._connection, lease)
        self._adopt(hedge)

    def _learn(self) -> None:
        waited = self.course.now() - self.call.dispatched_at
        self._hedges.account(self.call.model).beginnings(self.call).learn(waited)

    def _adopt(self, hedge: Hedge) -> None:
        """Let a hedge be the present attempt."""
        call, backend = self.call, hedge.place.backend
        hedge.won = True
        self._hedges.counts[Outcome.WON] += 1
        self._lease, self._side = hedge.lease, hedge.place.side
        self._dial, self._connection = hedge.dial, hedge.connection
        self.answer = None
        call.backend, call.native_model = backend, hedge.place.native
        call.dispatched_at, call.first_token_at = hedge.sent_at, 0.0
        timeouts = self.timeouts = self.course.timeouts_of(call.native_model, backend)
        self.phase = WAIT if hedge.dial is None else CONNECT
        patience = timeouts.first_token if hedge.dial is None else timeouts.connect
        deadlines.allow(self, patience, self.course.now())

    def connected(self, connection: "Connection") -> None:
        """Send the request over the connection of a hedge that is the present attempt by now."""
        self._connected(connection)

    # one of the two has failed ---------------------------------------------------------------

    @override
    def failed(self, failure: Failure) -> None:
        hedge = self._hedges.live.pop(self, None)
        if hedge is None:
            super().failed(failure)
            return
        self._dial = self._connection = None
        lease, self._lease = self._lease, None
        assert lease is not None
        self._end_retry()
        self._note(lease, failure, retried=True)
        self._adopt(hedge)

    def hedge_failed(self, hedge: Hedge, failure: Failure) -> None:
        """Go on without a hedge; a further attempt passes its engine over."""
        call = self.call
        self._hedges.live.pop(self, None)
        self._hedges.counts[Outcome.FAILED] += 1
        first, native = call.backend, call.native_model
        call.backend, call.native_model = hedge.place.backend, hedge.place.native
        self._note(hedge.lease, failure, retried=False)
        call.backend, call.native_model = first, native

    def _note(self, lease: "Lease", failure: Failure, *, retried: bool) -> None:
        """Close the account of an attempt that failed while another one goes on."""
        call, course = self.call, self.course
        finish.settle(course, lease, failure, course.now())
        self.last_failure = failure
        self._killed += retry.kills(failure)
        call.tried.append(lease.backend)
        if failure.condition:
            verdicts.react(course, call, lease.backend, failure)
        for observer in course.observers:
            observer.attempt_failed(call, failure, retried=retried)

    @override
    def _end(self, failure: Failure | None, *, refuse: bool = False) -> None:
        hedge = self._hedges.live.pop(self, None)
        if hedge is not None:
            hedge.abort()
            self._hedges.counts[Outcome.LOST] += 1
        super()._end(failure, refuse=refuse)


class LastingHedgedAttempts(HedgedAttempts, ContinuingAttempts):
    """A call that may ask a second engine, and whose stream may go on elsewhere."""

    __slots__ = ()


_HEDGED: "Final[Mapping[Maker, Maker]]" = {
    Attempts: HedgedAttempts,
    ContinuingAttempts: LastingHedgedAttempts,
}


def _abandon(
    course: "Course", dial: "Dial | None", connection: "Connection | None", lease: "Lease"
) -> None:
    """End an attempt that is not needed any more; it is held against nobody."""
    if dial is not None:
        dial.cancel()
    if connection is not None:
        connection.leave()
    needless = Failure(
        kind=Kind.INTERNAL, origin=Origin.PROXY, phase=WAIT, detail="another engine was faster"
    )
    finish.settle(course, lease, needless, course.now())


def _none(_model: str) -> Policy | None:
    return None
