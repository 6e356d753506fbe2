"""The workers as the control process sees them: who is there, how each is, what they are sent."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import structlog
from typing_extensions import override

from proxy.boot.board import Board
from proxy.boot.frames import Frame, Report, Rows
from proxy.boot.link import Link
from proxy.telemetry.crew import Crew

_COUNTED: Final = "_total"  # the end of a counter's name
LOOK: Final = 0.02  # seconds between two looks at what they have done

log = structlog.get_logger()


class Peer:
    """One worker."""

    __slots__ = ("applied", "index", "link", "pid", "probing", "report", "since")

    def __init__(self, index: int, pid: int, since: float) -> None:
        self.index = index
        self.pid = pid
        self.since = since
        self.link = Link()  # until it is connected, what is sent to it is lost
        self.report = Report()
        self.applied = -1  # the newest snapshot it has put in force; it serves from the first on
        self.probing: set[int] = set()  # slots where a trial request of its own is under way


class Workers(Crew):
    """All workers. `gone` is told of one whose connection has ended, after it was struck out.

    `ending` tells whether they have been told to end.
    """

    __slots__ = ("_before", "_now", "_peers", "_shaken", "_tables", "board", "ending", "gone")

    def __init__(
        self, board: Board, now: Callable[[], float], gone: Callable[[Peer], None]
    ) -> None:
        super().__init__()
        self._now = now
        self._peers: dict[int, Peer] = {}
        self._before = 0  # log lines that workers which are no more had given up
        self._shaken: Counter[str] = Counter()  # TLS handshakes of those
        self._tables: dict[str, dict[tuple[str, ...], float]] = {}  # and what they counted
        self.board = board
        self.ending = False
        self.gone = gone

    async def welcome(
        self,
        index: int,
        pid: int,
        end: socket.socket,
        heard: Callable[[Peer, Frame], None],
    ) -> Peer:
        """Take a worker on. Another one with this index is gone."""
        old = self._peers.get(index)
        if old is not None:
            self.strike(old)
        peer = Peer(index, pid, self._now())
        self._peers[index] = peer

        def take(frame: Frame) -> None:
            heard(peer, frame)

        peer.link = await Link.open(end, take, lambda: self.strike(peer))
        return peer

    def strike(self, peer: Peer) -> None:
        """Strike a worker out, and all that it had under way."""
        if self._peers.get(peer.index) is not peer:
            return
        del self._peers[peer.index]
        self._before += peer.report.dropped
        self._shaken.update(peer.report.handshakes)
        for name, rows in peer.report.tables.items():
            if name.endswith(_COUNTED):
                gone = self._tables.setdefault(name, {})
                gone.update({labels: gone.get(labels, 0.0) + value for labels, value in rows})
        self.board.wipe(peer.index)
        if not self.ending:
            self.lost += 1
            log.warning("worker gone", worker=peer.index, pid=peer.pid, calls=peer.report.in_flight)
        self.gone(peer)

    def send(self, frame: Frame, *, but: Peer | None = None) -> None:
        """Send a frame to all, except to one."""
        for peer in self._peers.values():
            if peer is not but:
                peer.link.send(frame)

    def send_waiting(self, frame: Frame, but: Peer) -> None:
        """Send a frame to those in which calls wait."""
        for peer in self._peers.values():
            if peer is not but and self.board.waits(peer.index):
                peer.link.send(frame)

    async def applied(self, serial: int, seconds: float) -> bool:
        """Wait until a snapshot is in force everywhere; false if that takes too long."""
        until = self._now() + seconds
        while any(peer.applied < serial for peer in self._peers.values()):
            if self._now() > until:
                return False
            await asyncio.sleep(LOOK)
        return True

    @property
    @override
    def serves(self) -> bool:
        return any(peer.applied >= 0 for peer in self._peers.values())

    async def complete(self, count: int, seconds: float) -> None:
        """Wait until so many serve, at most so long."""
        until = self._now() + seconds
        while sum(peer.applied >= 0 for peer in self._peers.values()) < count:
            if self._now() > until:
                log.warning("not all workers serve yet", workers=len(self), wanted=count)
                return
            await asyncio.sleep(LOOK)

    async def ended(self, seconds: float) -> None:
        """Wait until all are gone, at most so long."""
        until = self._now() + seconds
        while len(self) and self._now() < until:  # noqa: ASYNC110 - looked at, not told: see `applied`
            await asyncio.sleep(LOOK)

    async def close(self) -> None:
        """Close the connections to those that are still there."""
        self.ending = True
        links = [peer.link for peer in self._peers.values()]
        for link in links:
            link.close()
        for link in links:
            await link.ended.wait()

    def pids(self) -> list[int]:
        """Return their process ids."""
        return [peer.pid for peer in self._peers.values()]

    # together ----------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Peer]:
        """Return them in order."""
        return iter(sorted(self._peers.values(), key=lambda peer: peer.index))

    @override
    def __len__(self) -> int:
        return len(self._peers)

    @override
    def rows(self) -> Sequence[Mapping[str, object]]:
        return [
            {
                "worker": peer.index,
                "pid": peer.pid,
                "uptime_s": round(self._now() - peer.since, 3),
                "in_flight": peer.report.in_flight,
                "client_connections": peer.report.connections,
                "queued": sum(peer.report.queues.values()),
            }
            for peer in self
        ]

    def in_flight(self) -> int:
        """Return the requests under way."""
        return sum(peer.report.in_flight for peer in self)

    def connections(self) -> int:
        """Return the open client connections."""
        return sum(peer.report.connections for peer in self)

    def queues(self) -> Mapping[str, int]:
        """Return how many calls wait, by model."""
        found: Counter[str] = Counter()
        for peer in self:
            found.update(peer.report.queues)
        return found

    def handshakes(self) -> Mapping[str, int]:
        """Return what became of TLS handshakes, of those that are gone, too."""
        found = self._shaken.copy()
        for peer in self:
            found.update(peer.report.handshakes)
        return found

    def table(self, name: str) -> Rows:
        """Return the rows of a metric: sums, except where there is one thing for all to see."""
        found: dict[tuple[str, ...], float] = dict(self._tables.get(name, {}))
        for peer in self:
            for labels, value in peer.report.tables.get(name, ()):
                before = found.get(labels, 0.0)
                found[labels] = before + value if labels else max(before, value)
        return list(found.items())

    def lag(self) -> float:
        """Return the worst lateness any of them has reported last."""
        return max((peer.report.lag for peer in self), default=0.0)

    def dropped_lines(self) -> int:
        """Return how many log lines were given up, by those that are gone, too."""
        return self._before + sum(peer.report.dropped for peer in self)
