"""The simulated engine: listeners, connections and faults around one batch.

In a test: `async with running(Profile(models=("m",))) as engine`, then `engine.url`,
`engine.requests` and `engine.faults.set(Fault(...))`.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterable

from benchmarks.fake import admin
from benchmarks.fake.answering import Answering
from benchmarks.fake.batching import Sequence
from benchmarks.fake.breakage import bend
from benchmarks.fake.connection import Connection, Request
from benchmarks.fake.faults import LISTENER, Fault, Faults, Kind
from benchmarks.fake.ledger import Ledger, SideLog, Stage
from benchmarks.fake.listening import held_socket, listening_socket
from benchmarks.fake.looks.look import Midstream
from benchmarks.fake.pages import Page, error
from benchmarks.fake.profile import Loading, Profile


class Engine:
    """A simulated engine on the running event loop. Start it with `running`."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.port = 0
        self.admin_port = 0
        self.accepted = 0
        self.max_requests = profile.max_requests
        self.connections: set[Connection] = set()
        self.faults = Faults(profile.seed, self._follow)
        self._keep_alive = profile.keep_alive
        self._loop = asyncio.get_running_loop()
        self._answering = Answering(profile, self._loop)
        self._server: asyncio.Server | None = None
        self._admin: asyncio.Server | None = None
        self._opening: asyncio.Task[None] | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._held: socket.socket | None = None
        self._loader: asyncio.TimerHandle | None = None

    @property
    def url(self) -> str:
        """Base address of the engine, without a trailing slash."""
        return f"http://{self.profile.host}:{self.port}"

    @property
    def requests(self) -> Ledger:
        """Every inference request that arrived, oldest first."""
        return self._answering.requests

    @property
    def side_log(self) -> SideLog:
        """When tokens of tagged requests were written."""
        return self._answering.side_log

    @property
    def loading(self) -> bool:
        """Whether the model is still being loaded."""
        return self._loader is not None

    @property
    def asleep(self) -> bool:
        """Whether the engine sleeps."""
        return self._answering.asleep

    def sleep(self, *, asleep: bool) -> None:
        """Put the engine to sleep, or wake it."""
        self._answering.sleep(asleep=asleep)

    @property
    def running(self) -> int:
        """Sequences in the batch now."""
        return len(self._answering.batch.running)

    @property
    def waiting(self) -> int:
        """Sequences in the queue now."""
        return len(self._answering.batch.waiting)

    async def start(self) -> None:
        """Listen, or wait with it until the model is loaded; raises OSError if a port is taken."""
        profile = self.profile
        if profile.startup:
            self._loader = self._loop.call_later(profile.startup, self._loaded)
        if self.loading and self._refuses():
            self._held = held_socket(profile.host, profile.port)
            self.port = self._held.getsockname()[1]
        else:
            self._listen(profile.port)
        if self._opening is not None:
            await self._opening
        if self.profile.admin_port is not None:
            sock = listening_socket(self.profile.host, self.profile.admin_port, 128)
            self.admin_port = sock.getsockname()[1]
            self._admin = await self._loop.create_server(self._accept_admin, sock=sock)
        self._sweep()

    async def stop(self) -> None:
        """Close the listeners and every connection at once."""
        if self._opening is not None:
            await self._opening
        for server in (self._server, self._admin):
            if server is not None:
                server.close()
        for timer in (self._sweeper, self._loader):
            if timer is not None:
                timer.cancel()
        if self._held is not None:
            self._held.close()
        self._answering.stop()
        self._abort(self.connections)
        await asyncio.sleep(0)

    # --- Owner: called by connections --------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """Take in a client; a fault may meet it here."""
        self.connections.add(connection)
        if not self.faults.active or connection.trusted:
            return
        fault = self.faults.take_connection()
        if fault is None:
            return
        if fault.kind is Kind.HANG_ACCEPT:
            connection.busy = True
            connection.transport.pause_reading()
        else:
            connection.cut(reset=fault.reset)

    def closed(self, connection: Connection) -> None:
        """Free what a connection was waiting for."""
        self.connections.discard(connection)
        record, sequence = connection.record, connection.sequence
        connection.record = connection.sequence = None
        self._answering.gone(record, sequence)

    def stall(self, sequence: Sequence, by: int) -> None:
        """Hold a sequence back (1), or let it go on (-1)."""
        self._answering.stall(sequence, by)

    def serve(self, connection: Connection, request: Request) -> None:
        """Answer one request, perhaps badly."""
        if request.target.startswith(admin.PREFIX):
            self._answering.send(connection, admin.answer(self, request))
            return
        if self.loading:
            self._answering.send(connection, self._answering.loading_page())
            return
        generates = self._answering.generates(request)
        if generates:
            self._answering.open(connection, request)
        fault = self.faults.take(generates=generates) if self.faults.active else None
        if fault is None and self._answering.look.http10:
            outlet = bend(connection, Fault(kind=Kind.HTTP10), self)
            self._answering.answer(connection, request, outlet)
        elif fault is None:
            self._answering.answer(connection, request, connection)
        else:
            self._break(connection, request, fault)

    # --- Scene: called by broken answers -----------------------------------------------------

    def struck(self, connection: Connection, *, reset: bool) -> None:
        """Close the connection; the request failed by our own fault."""
        self.spoiled(connection)
        connection.record = None
        if reset:
            # What was written must reach the client before the reset throws it away.
            self._loop.call_later(0.002, lambda: connection.cut(reset=True))
        else:
            connection.cut(reset=False)

    def hold(self, connection: Connection) -> None:
        """Stop generating, leave the connection open; the request stays unanswered."""
        self._answering.release(connection.sequence)
        connection.sequence = None

    def spoiled(self, connection: Connection) -> None:
        """Stop generating; the answer ends early but the connection lives on."""
        self.hold(connection)
        if connection.record is not None:
            connection.record.stage = Stage.FAULT
            connection.record.end_ns = time.monotonic_ns()

    def pause(self, connection: Connection, seconds: float) -> None:
        """Generate nothing for a while; 0: for ever."""
        sequence = connection.sequence
        if sequence is not None:
            self.stall(sequence, 1)
            if seconds:
                self._loop.call_later(seconds, self.stall, sequence, -1)

    def failing(self, connection: Connection) -> tuple[Midstream, bytes, bytes]:
        """How a stream of this engine fails: the way, the error event, the terminal event."""
        record, look = connection.record, self._answering.look
        assert record is not None
        event, done = self._answering.failing(record)
        # Ollama swallows errors in the streams it translates, not in its own.
        translated = not record.path.startswith("/api/")
        return look.midstream if translated else Midstream.EVENT, event, done

    # --- faults ------------------------------------------------------------------------------

    def _break(self, connection: Connection, request: Request, fault: Fault) -> None:
        answering, record = self._answering, connection.record
        if record is not None:
            record.fault = fault.kind
        match fault.kind:
            case Kind.CLOSE:
                self.struck(connection, reset=fault.reset)
            case Kind.HANG:
                self.hold(connection)
            case Kind.DELAY:
                self._loop.call_later(fault.seconds, self._late, connection, request)
            case Kind.ERROR_FIRST if record is not None:
                answering.busy(record, connection, stream=True)
            case Kind.STATUS | Kind.EMPTY:
                self._replace(connection, fault)
            case _:
                answering.answer(connection, request, bend(connection, fault, self))

    def _late(self, connection: Connection, request: Request) -> None:
        if not connection.transport.is_closing():
            self._answering.answer(connection, request, connection)

    def _replace(self, connection: Connection, fault: Fault) -> None:
        page, extra = Page(b"", b""), b""
        if fault.kind is Kind.STATUS:
            text = f"Simulated fault: status {fault.status}."
            page = error(self._answering.look, fault.status, text)
            if fault.retry_after:
                extra = b"retry-after: %b\r\n" % fault.retry_after.encode()
        if connection.record is None:
            self._answering.send(connection, page, extra=extra)
        else:
            self._answering.finish(connection.record, connection, page, extra=extra)

    def _follow(self) -> None:
        idle = self.faults.standing(Kind.IDLE_LIMIT)
        self._keep_alive = self.profile.keep_alive if idle is None else idle.seconds
        limit = self.faults.standing(Kind.REQUEST_LIMIT)
        self.max_requests = self.profile.max_requests if limit is None else limit.after
        off = [kind for kind in LISTENER if self.faults.standing(kind)]
        if off and self._server is not None:
            self._server.close()
            self._server = None
            self._abort(
                connection
                for connection in self.connections
                if not connection.busy or Kind.DOWN in off
            )
        elif not off and self._server is None and self.port and self._held is None:
            self._listen(self.port)

    def _abort(self, connections: Iterable[Connection]) -> None:
        for connection in tuple(connections):
            if not connection.trusted:
                connection.cut(reset=True)

    # --- listeners ---------------------------------------------------------------------------

    def _listen(self, port: int) -> None:
        # Bound and listening before the loop knows: a connect right after this call succeeds.
        sock = listening_socket(self.profile.host, port, self.profile.backlog)
        self.port = sock.getsockname()[1]
        self._attach(sock)

    def _attach(self, sock: socket.socket) -> None:
        async def attach() -> None:
            self._server = await self._loop.create_server(self._accept, sock=sock)
            self._follow()

        self._opening = self._loop.create_task(attach())

    def _refuses(self) -> bool:
        loading = self.profile.loading
        if loading is Loading.AUTO:
            return self._answering.look.loading is None
        return loading is Loading.REFUSE

    def _loaded(self) -> None:
        self._loader = None
        if self._held is not None:
            self._held.listen(self.profile.backlog)
            self._attach(self._held)
            self._held = None

    def _accept(self) -> Connection:
        self.accepted += 1
        return Connection(self, self._loop, self.accepted)

    def _accept_admin(self) -> Connection:
        return Connection(self, self._loop, 0, trusted=True)

    def _sweep(self) -> None:
        every = 0.5
        if self._keep_alive:
            oldest = self._loop.time() - self._keep_alive
            for connection in tuple(self.connections):
                if not connection.busy and connection.idle_since <= oldest:
                    connection.transport.close()
            every = min(every, max(0.01, self._keep_alive / 10))
        self._sweeper = self._loop.call_later(every, self._sweep)


@contextlib.asynccontextmanager
async def running(
    profile: Profile | None = None, faults: Iterable[Fault] = ()
) -> AsyncIterator[Engine]:
    """Start an engine on the running loop and stop it at the end."""
    engine = Engine(profile or Profile())
    await engine.start()
    engine.faults.set(*faults)
    try:
        yield engine
    finally:
        await engine.stop()
