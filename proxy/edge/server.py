"""The client port: one listener, its connections, and what they share.

aiohttp's server machinery runs underneath: its parser, its ordinary lane, its application. What the
subclass in `edge/connection` touches of aiohttp's private side is named here, and a test holds each
name against the installed version.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Final

import structlog
from aiohttp import web

from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.edge import rescue, routes
from proxy.edge.connection import ClientConnection
from proxy.edge.crowding import Crowd
from proxy.edge.doors import Door
from proxy.edge.gate import Gate
from proxy.edge.reception import Crossing, Reception
from proxy.edge.unreadable import MAX_LINE
from proxy.flow import scope
from proxy.flow.course import Course
from proxy.flow.intake import Intake
from proxy.settings.schema import Limits
from proxy.settings.seals import Seal

if TYPE_CHECKING:
    import socket

    from proxy.edge.through import Through

PRIVATE_AIOHTTP_NAMES: Final = (
    "_close",
    "_current_request",
    "_force_close",
    "_keepalive_handle",
    "_messages",
    "_parser",
    "_paused",
    "_process_keepalive",
    "_request_count",
    "_task_handler",
    "_upgraded",
    "_waiter",
)
BACKLOG: Final = 4096  # the kernel's queue of new connections; 128 makes a burst of 1,000 wait 7 s
KEEP_ALIVE: Final = 75.0  # seconds a client connection may be idle
# Beyond this aiohttp would stop reading a body that nobody takes from it. `limits.body` is judged
# in `edge/receiving`, and a reload may change it while clients are connected.
NEVER_FULL: Final = (1 << 31) - 1

log = structlog.get_logger()


class Edge:
    """What all client connections share. `draining` makes every answer the last of its client."""

    def __init__(self, course: Course, limits: Limits, *, ollama_admin: bool = False) -> None:
        self.course = course
        self.limits = limits
        self.ollama_admin = ollama_admin
        self.gate: Gate | None = None  # judges heads; None lets all in
        self.reception: Reception | None = None  # judges addresses; same
        self.passing: set[Through] = set()  # what passes through at present
        self.intake = Intake(course)
        self.now = course.now
        self.wheel = course.wheel
        self.keep_alive = KEEP_ALIVE
        self.connections: set[ClientConnection] = set()
        self.crowd = Crowd()
        self.draining = False
        self._ids = count(1)
        dice = secrets.token_hex(9)
        self._process = f"{dice[:8]}-{dice[8:12]}-4{dice[12:15]}-8{dice[15:]}-"
        self._doors: list[Door] = []
        self.made = 0  # connections that stood, ever; of those accepted some fail at TLS
        self._runner: web.AppRunner | None = None

    def new_id(self) -> str:
        """Return a request id: unique in this process by count, elsewhere by 72 random bits.

        It is a UUID, as some engines refuse any other (llama-cpp-python: 400, without a word).
        """
        return f"{self._process}{next(self._ids):012x}"

    # answers ---------------------------------------------------------------------------------

    def error_answer(self, call: Call, failure: Failure, *, close: bool) -> bytes:
        """Return a whole error answer in the caller's dialect."""
        unknown = failure.kind is Kind.UNKNOWN_MODEL
        names: Sequence[str] = scope.names(self.course, call.pin) if unknown else ()
        if unknown and call.grant is not None:
            names = [name for name in names if call.grant.account.key.may_use(name)]
        return rescue.answer(call, failure, close=close, names=names)

    def ordinary_error(self, status: int, error: BaseException | None) -> web.Response:
        """Return an error answer for aiohttp's lane, where its own would be plain text."""
        ident = self.new_id()
        log.error("a page of the client port failed", request_id=ident, exc_info=error)
        detail = "this page failed inside the proxy"
        failure = Failure(kind=Kind.INTERNAL, origin=Origin.PROXY, phase=Phase.READ, detail=detail)
        return routes.error_response(failure, ident, status=status)

    def guarded_by(self, gate: Gate | None) -> None:
        """Put another gate up; heads that were judged at the one before are judged anew."""
        self.gate = gate
        for connection in self.connections:
            connection.forget()

    def received_by(self, reception: Reception | None) -> None:
        """Let somebody else judge who connects from now on, and heads that are new."""
        self.reception = reception
        for connection in self.connections:
            connection.forget()
            connection.dress = b""

    def crossing(self) -> Crossing | None:
        """Return what web pages are told; None while no page may come from elsewhere."""
        return None if self.reception is None else self.reception.crossing

    # life ------------------------------------------------------------------------------------

    async def start(
        self,
        sockets: "Sequence[socket.socket]",
        app: web.Application,
        seal: Seal | None = None,
    ) -> None:
        """Serve on listening sockets; `app` takes what is no inference request."""
        runner = self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, auto_decompress=False
        )
        await runner.setup()
        manager = runner.server
        assert manager is not None
        loop = asyncio.get_running_loop()

        def connection() -> ClientConnection:
            return ClientConnection(
                self,
                manager,
                loop=loop,
                access_log=None,
                auto_decompress=False,
                tcp_keepalive=True,
                max_line_size=MAX_LINE,
                max_field_size=MAX_LINE,
                # The head's own limits are judged in one place, `edge/heads`.
                max_headers=1024,
                read_bufsize=NEVER_FULL,
            )

        for listening in sockets:
            self._doors.append(Door(listening, connection, backlog=BACKLOG))
        await self.reseal(seal)

    async def reseal(self, seal: Seal | None) -> None:
        """Meet who connects from now on with another certificate, or with none."""
        for door in self._doors:
            await door.open(seal, self.limits.header_timeout)

    def handshakes(self) -> Mapping[str, int]:
        """Return how many connections were accepted, and how many of them stood."""
        return {"begun": sum(door.begun for door in self._doors), "done": self.made}

    def stop_accepting(self) -> None:
        """Close the listeners; what is connected goes on."""
        for door in self._doors:
            door.close()

    def wind_up(self) -> None:
        """Make the present answer of every connection its last, or the next where nothing runs."""
        for connection in self.connections:
            connection.closing = True

    def close_idle(self) -> None:
        """Close connections on which nothing runs; on the others the present answer is the last."""
        for connection in tuple(self.connections):
            connection.drain()

    async def stop(self) -> None:
        """Close the listeners and every connection; ends the calls that are still under way."""
        self.stop_accepting()
        for connection in tuple(self.connections):
            connection.force_close()
        if self._runner is not None:
            await self._runner.cleanup()
