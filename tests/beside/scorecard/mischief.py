"""What goes wrong during a soak: faults of engines, engines that die, clients that leave or lie."""

import asyncio
import random
import socket
from collections.abc import Sequence

from benchmarks.driver import engines
from benchmarks.driver.workload import chat, prompt
from benchmarks.fake.launch import Child, start
from benchmarks.fake.profile import Profile
from tests.beside.scorecard.sending import open_line
from tests.beside.scorecard.stage import Stage, page, port_of

FAULTS: Sequence[dict[str, object]] = (
    {"kind": "status", "status": 500, "fraction": 0.5},
    {"kind": "status", "status": 429, "retry_after": "1"},
    {"kind": "status", "status": 503},
    {"kind": "close"},
    {"kind": "close", "reset": True},
    {"kind": "close_head"},
    {"kind": "cut", "after": 3},
    {"kind": "cut", "after": 3, "reset": True},
    {"kind": "cut_inside", "after": 2},
    {"kind": "error_first"},
    {"kind": "error_midstream", "after": 2},
    {"kind": "bad_chunk", "after": 2},
    {"kind": "garbage_status"},
    {"kind": "wrong_length", "size": 5},
    {"kind": "extra_bytes"},
    {"kind": "huge_headers", "size": 200_000},
    {"kind": "silence", "after": 2, "fraction": 0.2},
    {"kind": "delay", "seconds": 0.5},
    {"kind": "idle_limit", "seconds": 0.2},
    {"kind": "http10"},
)
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
JUNK: Sequence[bytes] = (
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    POST + b"Content-Length: 3\r\n\r\n{{{",
    b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + b"x-a: " + b"a" * 100_000 + b"\r\n\r\n",
)
HOLDS = 3.0  # seconds a fault lasts
LEAVES, LIES, RELOADS = 0.2, 0.3, 20.0  # seconds between clients that leave, that lie; reloads


class Mischief:
    """Makes trouble until told to stop. `left`: requests of clients that left in the middle."""

    def __init__(self, stage: Stage, shapes: Sequence[Profile], seed: int) -> None:
        self.left = 0
        self.struck: set[str] = set()
        self.killed = 0
        self.reloads = 0
        self.over = False
        self.started: list[Child] = []
        self._stage = stage
        self._shapes = shapes
        self._dice = random.Random(seed)

    async def run(self) -> None:
        """Make trouble of every kind; comes back when it is over, with nothing broken left."""
        await asyncio.gather(self._faults(), self._leavers(), self._liars(), self._reloads())

    async def _faults(self) -> None:
        """Let one engine at a time have a fault; every tenth time it is killed instead."""
        turn = 0
        while not self.over:
            turn += 1
            place = self._dice.randrange(len(self._shapes))
            if turn % 10 == 0:
                await self._kill(place)
                continue
            fault = FAULTS[turn % len(FAULTS)]
            where = port_of(self._stage.engines[place].url)
            await engines.switch(where, fault)
            self.struck.add(repr(fault))
            await asyncio.sleep(HOLDS)
            await engines.switch(where)

    async def _kill(self, place: int) -> None:
        engine = self._stage.engines[place]
        engine.kill()
        await engine.ended()
        await engine.stop()
        await asyncio.sleep(HOLDS)
        again = await start(self._shapes[place])
        self._stage.engines[place] = again
        self.started.append(again)
        self.killed += 1

    async def _leavers(self) -> None:
        """Ask for long streams and hang up once they have begun."""
        request = chat(self._stage.port, prompt(400), tokens=400, stream=True)
        while not self.over:
            await asyncio.sleep(self._dice.expovariate(1 / LEAVES))
            line = await open_line(self._stage.port)
            begun = asyncio.get_running_loop().create_future()

            def tell(_line: object, begun: "asyncio.Future[None]" = begun) -> None:
                if not begun.done():
                    begun.set_result(None)

            line.send(request, tell, on_piece=tell)
            self.left += 1
            await begun
            line.hang_up(reset=self._dice.random() < 0.5)

    async def _liars(self) -> None:
        """Send what is no request, and do not wait for what is said to it."""
        loop = asyncio.get_running_loop()
        while not self.over:
            await asyncio.sleep(self._dice.expovariate(1 / LIES))
            with socket.socket() as sock:
                sock.setblocking(False)
                await loop.sock_connect(sock, ("127.0.0.1", self._stage.port))
                await loop.sock_sendall(sock, self._dice.choice(JUNK))
                await asyncio.sleep(0.05)

    async def _reloads(self) -> None:
        """Change the settings now and then."""
        file = self._stage.folder / "headrace.yaml"
        text = file.read_text()
        waited = 0.0
        while not self.over:
            await asyncio.sleep(0.5)
            waited += 0.5
            if waited >= RELOADS:
                waited, self.reloads = 0.0, self.reloads + 1
                file.write_text(f"{text}limits: {{queue: {1000 + self.reloads}}}\n")
                await page(self._stage.admin, "/-/reload", method="POST")
