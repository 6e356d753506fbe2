"""CPU of TLS per piece of a stream: uvloop's transports, and aiofastnet's where it is installed.

    python -m benchmarks.micro.bench_tls CERTIFICATE.pem [--pieces N] [--rounds N]

Each arm streams pieces of 200 bytes, one write per turn of the loop, from a process of its own to
a client that only reads; its CPU time is divided by the pieces. The arms take turns in rounds, and
the median of the rounds is shown. `CERTIFICATE.pem` holds a certificate and its key.
"""

import argparse
import asyncio
import importlib
import importlib.util
import multiprocessing
import socket
import ssl
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final, cast

import uvloop
from typing_extensions import override

ARMS: Final = ("plain", "uvloop", "aiofastnet")
PIECE: Final = b"c4\r\n" + b"x" * 196 + b"\r\n"


class Streaming(asyncio.Protocol):
    """Writes its pieces as soon as somebody has connected, one a turn."""

    def __init__(self, pieces: int, done: "asyncio.Future[float]") -> None:
        self._left = pieces
        self._done = done
        self._began = 0.0
        self._write: Callable[[bytes], object] = len
        self._paused = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._write = cast("asyncio.Transport", transport).write
        self._began = time.process_time()
        self._step()

    @override
    def pause_writing(self) -> None:
        """Wait for the reader."""
        self._paused = True

    @override
    def resume_writing(self) -> None:
        """Go on."""
        self._paused = False
        self._step()

    def _step(self) -> None:
        if self._paused:
            return
        if not self._left:
            self._done.set_result(time.process_time() - self._began)
            return
        self._left -= 1
        self._write(PIECE)
        asyncio.get_running_loop().call_soon(self._step)


async def _serve(arm: str, certificate: str, pieces: int, told: Connection) -> None:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[float] = loop.create_future()
    context = None
    if arm != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    if arm == "aiofastnet":
        create = importlib.import_module("aiofastnet").create_server
        server = await create(loop, lambda: Streaming(pieces, done), sock=listening, ssl=context)
    else:
        server = await loop.create_server(
            lambda: Streaming(pieces, done), sock=listening, ssl=context
        )
    told.send(listening.getsockname()[1])
    told.send(await done)
    server.close()


def _child(arm: str, certificate: str, pieces: int, told: Connection) -> None:
    uvloop.run(_serve(arm, certificate, pieces, told))


def measured(arm: str, certificate: str, pieces: int) -> float:
    """Return microseconds of CPU per piece."""
    ours, theirs = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    child = spawn.Process(target=_child, args=(arm, certificate, pieces, theirs))
    child.start()
    left = pieces * len(PIECE)
    with socket.create_connection(("127.0.0.1", ours.recv())) as raw:
        stream: socket.socket = raw
        if arm != "plain":
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            stream = context.wrap_socket(raw)
        while left > 0:
            left -= len(stream.recv(1 << 16))
        spent: float = ours.recv()
        child.join()
    return spent / pieces * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("certificate")
    parser.add_argument("--pieces", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    arms = list(ARMS)
    if importlib.util.find_spec("aiofastnet") is None:
        arms.remove("aiofastnet")
        print("aiofastnet is not installed: its arm is left out")
    found: dict[str, list[float]] = {arm: [] for arm in arms}
    for _ in range(asked.rounds):
        for arm in arms:
            found[arm].append(measured(arm, asked.certificate, asked.pieces))
    for arm in arms:
        rounds = " ".join(f"{one:.2f}" for one in found[arm])
        print(f"{arm:<11} {statistics.median(found[arm]):6.2f} us per piece   ({rounds})")


if __name__ == "__main__":
    main()
