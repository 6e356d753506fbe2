"""`python -m benchmarks.method.relay`: a TCP relay as a process of its own, the reference of a run.

Without options it moves bytes both ways and does nothing else: the floor, below which no proxy in
user space can be on this machine. With `--delay-ms` it holds back what comes from the engine for
exactly that long, with `--burn-us` it computes for that long for every piece that comes from the
engine: controls with a known effect, which the measurement must recover.

How much it has burned it writes to `--ledger`, so that nobody has to guess how many pieces came.
"""

import argparse
import asyncio
import mmap
import signal
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import uvloop
from typing_extensions import override

_COUNT = struct.Struct("<Q")
_NS_PER_US, _NS_PER_MS, _NS = 1_000, 1_000_000, 1_000_000_000
Pass = Callable[["Side", bytes], None]


class Side(asyncio.Protocol):
    """One of the two sockets of a relayed connection."""

    __slots__ = ("other", "transport", "_early", "_onward")

    def __init__(self, onward: Pass) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self._onward = onward
        self._early: list[bytes] = []

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Write what came for it before it was connected."""
        self.transport = cast("asyncio.Transport", transport)
        for piece in self._early:
            self.transport.write(piece)
        self._early.clear()

    @override
    def data_received(self, data: bytes) -> None:
        """Hand the bytes over."""
        self._onward(self, data)

    def write(self, data: bytes) -> None:
        """Send bytes, at once or as soon as there is a connection."""
        if self.transport is None:
            self._early.append(data)
        elif not self.transport.is_closing():
            self.transport.write(data)

    @override
    def pause_writing(self) -> None:
        """Stop reading the other side while this one takes no more."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    @override
    def resume_writing(self) -> None:
        """Read the other side again."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def close(self) -> None:
        """Close it; what was written is still sent."""
        if self.transport is not None:
            self.transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Close the other side, too."""
        if self.other is not None:
            self.other.close()


def straight(side: Side, data: bytes) -> None:
    """Write to the other side at once."""
    if side.other is not None:
        side.other.write(data)


class Delaying:
    """Holds every piece back for the same time; their order and distances stay.

    A loop's own timers are exact to a millisecond, the interval timer of the process to about 50
    us: `wake` is asked to call `due` after so many seconds.
    """

    __slots__ = ("_clock", "_delay_ns", "_held", "_wake")

    def __init__(
        self, delay_ns: int, wake: Callable[[float], object], clock: Callable[[], int]
    ) -> None:
        self._delay_ns = delay_ns
        self._held: deque[tuple[int, Side, bytes]] = deque()
        self._wake = wake
        self._clock = clock

    def __call__(self, side: Side, data: bytes) -> None:
        """Queue a piece."""
        self._held.append((self._clock() + self._delay_ns, side, data))
        if len(self._held) == 1:
            self._wake(self._delay_ns / _NS)

    def due(self) -> None:
        """Pass on what has been held long enough."""
        while self._held:
            left = self._held[0][0] - self._clock()
            if left > 0:
                self._wake(left / _NS)
                return
            _, side, data = self._held.popleft()
            straight(side, data)


class Burning:
    """Computes for a known time for every piece, then passes it on.

    The time is CPU time of this thread: being interrupted does not shorten it.
    """

    __slots__ = ("_burn_ns", "_ledger", "_total")

    def __init__(self, burn_ns: int, ledger: "mmap.mmap | bytearray") -> None:
        self._burn_ns = burn_ns
        self._ledger = ledger
        self._total = 0

    def __call__(self, side: Side, data: bytes) -> None:
        """Burn, note it, write."""
        began = time.thread_time_ns()
        now = began
        while now - began < self._burn_ns:
            now = time.thread_time_ns()
        self._total += now - began
        _COUNT.pack_into(self._ledger, 0, self._total)
        straight(side, data)


def burned_ns(ledger: Path) -> int:
    """Return what a relay with this ledger has burned so far."""
    count: int = _COUNT.unpack_from(ledger.read_bytes())[0]
    return count


class Relay:
    """Listens on a port and connects each client to the next of the engines in turn."""

    __slots__ = ("_engines", "_from_engine", "_loop", "_opening", "_turn")

    def __init__(self, engines: Sequence[int], from_engine: Pass) -> None:
        self._engines = tuple(engines)
        self._from_engine = from_engine
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._turn = 0

    def accept(self) -> Side:
        """Make the client's side and begin to connect the engine's."""
        client, engine = Side(straight), Side(self._from_engine)
        client.other, engine.other = engine, client
        port = self._engines[self._turn % len(self._engines)]
        self._turn += 1
        task = self._loop.create_task(self._connect(client, engine, port))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return client

    async def _connect(self, client: Side, engine: Side, port: int) -> None:
        try:
            await self._loop.create_connection(lambda: engine, "127.0.0.1", port)
        except OSError:
            client.close()
        if client.transport is None or client.transport.is_closing():
            engine.close()


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.method.relay", description=__doc__)
    parser.add_argument("--listen", type=int, required=True, metavar="PORT")
    parser.add_argument("--to", type=int, action="append", required=True, metavar="PORT")
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--burn-us", type=float, default=0.0)
    parser.add_argument("--ledger", type=Path, help="file for the ns burned, with --burn-us")
    options = parser.parse_args(words)
    if options.burn_us and options.ledger is None:
        parser.error("--burn-us needs --ledger FILE")
    return options


def onward(options: argparse.Namespace) -> Pass:
    """Return what happens to a piece from the engine."""
    if options.delay_ms:
        delay_ns = int(options.delay_ms * _NS_PER_MS)
        delaying = Delaying(
            delay_ns, lambda after: signal.setitimer(signal.ITIMER_REAL, after), time.monotonic_ns
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGALRM, delaying.due)
        return delaying
    if options.burn_us:
        options.ledger.write_bytes(bytes(mmap.PAGESIZE))
        with options.ledger.open("r+b") as file:
            ledger = mmap.mmap(file.fileno(), 0)
        return Burning(int(options.burn_us * _NS_PER_US), ledger)
    return straight


async def serve(options: argparse.Namespace) -> None:
    """Relay until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    relay = Relay(options.to, onward(options))
    server = await loop.create_server(relay.accept, "127.0.0.1", options.listen, backlog=4096)
    await over.wait()
    server.close()


def main(words: Sequence[str] | None = None) -> int:
    """Run the relay; returns the exit code."""
    options = arguments(words)
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(serve(options))
    return 0


if __name__ == "__main__":
    main()
