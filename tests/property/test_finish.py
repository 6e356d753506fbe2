"""Whatever happens to calls, in whatever order: each ends once, and all it took is given back."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from proxy.core import admission
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.flow.evict import reroute
from proxy.settings.schema import Timeouts
from tests.fixtures.course import World
from tests.fixtures.ends import (
    DONE,
    LAST,
    ROLE,
    SSE,
    EngineEnd,
    FakeClient,
    ScriptedDial,
    chunk,
    plain,
    stream,
    token,
)

TIMEOUTS = Timeouts(connect=2.0, first_token=5.0, idle=3.0, total=40.0)
PIECES = (
    SSE,
    chunk(ROLE),
    chunk(token()),
    chunk(token()) * 3,
    chunk(token())[:7],
    chunk(token("half"))[:-4],
    chunk(b": keep-alive\n\n"),
    chunk(DONE) + LAST,
    LAST,
    b"0\r\n",
    b"\r\n",
    stream(token()),
    stream(token()) + b"more",
    SSE + chunk(b'data: {"error":{"message":"full","code":503}}\n\n'),
    plain(b'{"choices":[]}'),
    plain(b"{}")[:-1],
    plain(b'{"error":"x"}', 503, b"retry-after: 1"),
    plain(b'{"error":"x"}', 400),
    plain(b"{}", 500),
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + token(),
    b"\xff garbage",
)
STOPPING = Failure(kind=Kind.DRAINING, origin=Origin.PROXY, phase=Phase.QUEUE, detail="stopping")
REFUSED = Failure(
    kind=Kind.CONNECT_REFUSED,
    origin=Origin.BACKEND,
    phase=Phase.CONNECT,
    detail="nothing listens",
    retryable=True,
    free=True,
)
ENDS: tuple[Callable[[EngineEnd], None], ...] = (EngineEnd.close, EngineEnd.reset)


class Traffic(RuleBasedStateMachine):
    """Clients, engines, the prober and the clock do what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(
            "abc", cap=2, timeouts=TIMEOUTS, queue=admission.Policy(count=3), queue_timeout=4.0
        )

    # what there is to act on -----------------------------------------------------------------

    def running(self) -> list[FakeClient]:
        return [client for client in self.world.clients if not client.end]

    def dials(self) -> list[ScriptedDial]:
        return [dial for pool in self.world.pools.values() for dial in pool.dials if not dial.over]

    def open_ends(self) -> list[EngineEnd]:
        return [
            end for pool in self.world.pools.values() for end in pool.ends if not end.wire.closing
        ]

    # clients ---------------------------------------------------------------------------------

    @rule(
        http10=st.booleans(),
        pin=st.sampled_from([None, None, None, "a", "z"]),
        timeout=st.sampled_from([0.0, 0.0, 1.5]),
        body=st.sampled_from(
            [b'{"model":"m","stream":true}', b'{"model":"m"}', b'{"model":"no"}', b"{"]
        ),
        room=st.sampled_from([50, 1 << 60]),
    )
    def ask(self, http10: bool, pin: str | None, timeout: float, body: bytes, room: int) -> None:
        client = self.world.ask(http10=http10, pin=pin, timeout=timeout, body=body)
        client.full_at = room

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.running())).leave()

    @precondition(lambda self: self.running())
    @rule(data=st.data(), pause=st.booleans())
    def read(self, data: st.DataObject, pause: bool) -> None:
        attempts = data.draw(st.sampled_from(self.running())).attempts
        assert attempts is not None
        if pause and not attempts.paused_at:
            attempts.client_paused()
        elif attempts.paused_at:
            attempts.client_resumed()

    # engines ---------------------------------------------------------------------------------

    @precondition(lambda self: self.dials())
    @rule(data=st.data(), well=st.booleans())
    def answer_dial(self, data: st.DataObject, well: bool) -> None:
        dial = data.draw(st.sampled_from(self.dials()))
        if well:
            dial.connect()
        else:
            dial.fail(REFUSED)

    @precondition(lambda self: self.open_ends())
    @rule(data=st.data(), piece=st.sampled_from(PIECES))
    def say(self, data: st.DataObject, piece: bytes) -> None:
        end = data.draw(st.sampled_from(self.open_ends()))
        if not end.wire.paused:
            end.send(piece)

    @precondition(lambda self: self.open_ends())
    @rule(data=st.data(), how=st.sampled_from(ENDS))
    def hang_up(self, data: st.DataObject, how: Callable[[EngineEnd], None]) -> None:
        how(data.draw(st.sampled_from(self.open_ends())))

    # the rest --------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.05, 0.3, 1.0, 6.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule()
    def settle(self) -> None:
        self.world.settle()

    @rule(name=st.sampled_from("abc"), ok=st.booleans())
    def probe(self, name: str, ok: bool) -> None:
        backend = self.world.backends[name]
        backend.health.probed(ok=ok, now=self.world.now(), reason="")
        if not backend.health.ready:
            reroute(self.world.course, backend)

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        attempts = data.draw(st.sampled_from(self.running())).attempts
        assert attempts is not None
        attempts.stop(STOPPING)

    @rule()
    def expire(self) -> None:
        for pool in self.world.pools.values():
            pool.expire()

    # what always holds -----------------------------------------------------------------------

    @invariant()
    def accounts_agree(self) -> None:
        world = self.world
        running = self.running()
        assert len(world.course.calls) == len(running)
        assert world.books.started == len(world.books.finished_calls) + len(running)
        budget = world.course.budget_of("m")
        assert budget.in_flight == len(running)
        assert 0 <= budget.retries <= max(3, len(running))
        leased = sum(backend.in_flight for backend in world.backends.values())
        busy = [c for c in running if c.attempts and c.attempts.phase is not Phase.QUEUE]
        assert leased == len(busy)

    @invariant()
    def answers_are_honest(self) -> None:
        for client in self.world.clients:
            if client.gone or not client.end:
                continue
            answer = client.answer
            assert len(client.ended) == 1
            assert not answer.surplus
            if client.call.end == "--":
                assert answer.complete
                assert client.ended == [True]
            elif not client.refusals and client.ended == [False] and not client.http10:
                assert not answer.complete

    @invariant()
    def nobody_reads_from_an_idle_connection_that_is_paused(self) -> None:
        for pool in self.world.pools.values():
            for connection in pool._idle:
                wire = connection.transport
                assert not getattr(wire, "paused")  # noqa: B009 - a fake's attribute

    @override
    def teardown(self) -> None:
        for client in self.running():
            client.leave()
        self.world.assert_at_rest()


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=120, stateful_step_count=40)
