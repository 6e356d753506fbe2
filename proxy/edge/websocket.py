"""A WebSocket that passes through: once its engine has agreed, bytes pass as they come.

    WAIT      the engine's 101                   STREAM
              any other answer                   as in `through`: it passes, and the end
    STREAM    either side closes                 the end: the other side is closed, too
              idle, stopped                      the end: the client is told 1001, going away

Frames are followed, not read, to know two things at the end: whether a side has said that it
closes, without which it was broken off, and whether a close frame of ours may still be put in.
"""

from typing import Final

from typing_extensions import override

from proxy.core.failure import STREAM, Failure, Kind, Origin, Phase
from proxy.core.frames import Frames, close_frame
from proxy.edge.through import Through
from proxy.flow.commit import own_fields
from proxy.upstream.line import Line

GOING_AWAY: Final = 1001
HEAD: Final = b"HTTP/1.1 101 Switching Protocols\r\n"


class WebSocket(Through):
    """One WebSocket. Fulfils `upstream.line.Switcher`, too."""

    __slots__ = ("_from_client", "_from_engine")

    _from_client: Frames | None
    _from_engine: Frames

    @override
    def start(self, refusal: Failure | None = None) -> None:
        self._from_client = None  # until the engine has agreed
        super().start(refusal)

    @override
    def _use(self, engine: Line, head: bytes) -> None:
        engine.use(head, self, switch=self)

    def switched(self, fields: bytes) -> None:
        """Take the engine's consent."""
        self._from_client, self._from_engine = Frames(), Frames()
        if not self.client.switch():
            detail = "the client sent bytes before the WebSocket stood"
            origin, phase = Origin.CLIENT, Phase.READ
            self._end(Failure(kind=Kind.BAD_REQUEST, origin=origin, phase=phase, detail=detail))
            return
        self._began(101)
        self.client.write(HEAD + fields + own_fields(self.call))

    def tunnelled(self, data: bytes) -> None:
        """Pass on what the engine says."""
        self._count(data)
        self._from_engine.feed(data)
        self.client.write(data)

    def from_client(self, data: bytes) -> None:
        """Pass on what the client says."""
        if self._from_client is None or self._line is None:
            return
        self._clock.moved += 1
        self.call.body_size += len(data)
        self._from_client.feed(data)
        self._line.send(data)

    @override
    def go_away(self) -> None:
        if self._open and not self.call.end:
            detail = "the proxy is stopping"
            self.stop(Failure(kind=Kind.DRAINING, origin=Origin.PROXY, phase=STREAM, detail=detail))

    @override
    def stop(self, failure: Failure) -> None:
        if not self.call.end and self._open:
            engine = self._from_engine
            if engine.between and not engine.closing:
                self.client.write(close_frame(GOING_AWAY))
        super().stop(failure)

    @property
    def _open(self) -> bool:
        return self._from_client is not None

    @override
    def _departed(self, origin: Origin, failure: Failure) -> Failure | None:
        ours = self._from_client
        if ours is None:
            return super()._departed(origin, failure)
        if ours.closing or self._from_engine.closing:
            return None
        client = origin is Origin.CLIENT
        return Failure(
            kind=Kind.CLIENT_GONE if client else Kind.CLOSED,
            origin=origin,
            phase=STREAM,
            detail=f"the {'client' if client else 'engine'} left the WebSocket without closing it",
        )

    @override
    def _leave(self, engine: Line) -> None:
        # What the client has said last, its close frame above all, still goes out.
        if self._from_client is not None:
            engine.hang_up()
        else:
            engine.leave()
