"""`headrace top` in a terminal: it draws, obeys keys, and leaves the terminal as it was."""

import asyncio
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable

from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from tests.fixtures.process import environment, proxy_process


class Terminal:
    """A terminal with `headrace top` in it."""

    def __init__(self, admin: str) -> None:
        self.mine, self.its = pty.openpty()
        termios.tcsetwinsize(self.its, (30, 120))
        self.before = termios.tcgetattr(self.its)
        self.shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "proxy", "top", "--admin", admin, "--every", "0.5"],
            stdin=self.its,
            stdout=self.its,
            stderr=self.its,
            env={**environment(), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        )
        os.set_blocking(self.mine, False)

    async def shows(self, words: str) -> None:
        """Wait until something is drawn."""
        async with asyncio.timeout(30.0):
            while words not in self.shown:
                try:
                    self.shown += os.read(self.mine, 65536).decode(errors="replace")
                except BlockingIOError:
                    await asyncio.sleep(0.02)

    def press(self, key: str) -> None:
        os.write(self.mine, key.encode())

    async def ended(self) -> int:
        """Wait for its end, reading what it still draws."""
        async with asyncio.timeout(30.0):
            while (code := self.process.poll()) is None:
                try:
                    os.read(self.mine, 65536)
                except BlockingIOError:
                    await asyncio.sleep(0.02)
        return code


async def test_it_draws_sorts_and_ends_by_keys(free_port: Callable[[], int]) -> None:
    engine = await start_engine(Profile())
    async with proxy_process([engine], free_port) as proxy:
        terminal = Terminal(proxy.admin)
        await terminal.shows("The backend is ready.")
        await terminal.shows("engine-0")
        terminal.press("s")
        await terminal.shows("sorted by name")
        terminal.press("q")
        assert await terminal.ended() == 0
        assert termios.tcgetattr(terminal.its) == terminal.before
        os.close(terminal.mine)
        os.close(terminal.its)
    await engine.stop()
