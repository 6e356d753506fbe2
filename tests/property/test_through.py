"""Whatever happens to what passes through, in whatever order: it ends once and gives all back."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin, Phase
from tests.fixtures.ends import LAST, EngineEnd, ScriptedDial, chunk, head, plain
from tests.fixtures.peer import FakePeer, Passing

PIECES = (
    head(200, b"transfer-encoding: chunked"),
    chunk(b"piece"),
    LAST,
    plain(b"{}"),
    plain(b"{}", 404),
    plain(b"{}", 500)[:-1],
    head(200) + b"until the end",
    head(302, b"location: /"),
    head(101, b"upgrade: websocket", b"connection: upgrade"),
    b"\x81\x02hi",
    b"\x88\x02\x03\xe8",
    b"HTTP/1.1 1",
    b"\xff garbage",
)
STOPPING = Failure(kind=Kind.DRAINING, origin=Origin.PROXY, phase=Phase.WAIT, detail="stopping")
REFUSED = Failure(
    kind=Kind.CONNECT_REFUSED, origin=Origin.BACKEND, phase=Phase.CONNECT, detail="nothing listens"
)


class Traffic(RuleBasedStateMachine):
    """Clients, engines and the clock do what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.passing = Passing("ab")

    def running(self) -> list[FakePeer]:
        return [peer for peer in self.passing.peers if not peer.end]

    def dials(self) -> list[ScriptedDial]:
        pools = self.passing.world.pools.values()
        return [dial for pool in pools for dial in pool.dials if not dial.over]

    def open_ends(self) -> list[EngineEnd]:
        pools = self.passing.world.pools.values()
        return [end for pool in pools for end in pool.ends if not end.wire.closing]

    @rule(
        kind=st.sampled_from(
            [("/v1/files", "GET"), ("/v1/files", "POST"), ("/v1/realtime", "GET")]
        ),
        length=st.sampled_from([0, 9, -1]),
        pin=st.sampled_from(["a", "b", "a", "z", None]),
        model=st.sampled_from(["m", "m", "no", ""]),
        http10=st.booleans(),
        early=st.booleans(),
    )
    def ask(
        self,
        kind: tuple[str, str],
        length: int,
        pin: str | None,
        model: str,
        http10: bool,
        early: bool,
    ) -> None:
        path, method = kind
        socket = path == "/v1/realtime"
        self.passing.ask(
            path,
            method,
            length=0 if method == "GET" else length,
            pin=pin,
            model=model if socket else "",
            http10=http10 and not socket,
            early=early and socket,
        )

    @precondition(lambda self: self.running())
    @rule(data=st.data(), what=st.sampled_from(["more", "uploaded", "leave", "stop", "away"]))
    def act(self, data: st.DataObject, what: str) -> None:
        peer = data.draw(st.sampled_from(self.running()))
        through = peer.through
        assert through is not None
        if what == "leave":
            peer.leave()
        elif what == "stop":
            through.stop(STOPPING)
        elif what == "away":
            through.go_away()
        elif peer.tunnel:
            through.from_client(b"\x88\x80mask")  # type: ignore[attr-defined] # it has one
        elif not through._uploaded and what == "more":
            through.more(b"abc")
        elif not through._uploaded:
            through.uploaded()

    @precondition(lambda self: self.running())
    @rule(data=st.data(), pause=st.booleans())
    def read(self, data: st.DataObject, pause: bool) -> None:
        through = data.draw(st.sampled_from(self.running())).through
        assert through is not None
        if pause:
            through.client_paused()
        else:
            through.client_resumed()

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
    @rule(data=st.data(), well=st.booleans())
    def hang_up(self, data: st.DataObject, well: bool) -> None:
        end = data.draw(st.sampled_from(self.open_ends()))
        end.close() if well else end.reset()

    @rule(seconds=st.sampled_from([0.05, 0.6, 6.0]))
    def pass_time(self, seconds: float) -> None:
        self.passing.world.pass_time(seconds)

    @rule()
    def settle(self) -> None:
        self.passing.world.settle()

    @override
    def teardown(self) -> None:
        for peer in self.running():
            peer.leave()
        self.passing.world.settle()
        self.passing.assert_at_rest()


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=60, stateful_step_count=30)
