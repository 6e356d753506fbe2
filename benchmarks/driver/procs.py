"""Processes under test: started on free ports, watched, and ended by their id, whatever happens."""

import asyncio
import random
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

REPOSITORY = Path(__file__).resolve().parents[2]  # children import what this process imports

# Below the usual ephemeral range: no client socket can be in the way.
LOWEST, HIGHEST = 20_000, 29_999


class NotReadyError(Exception):
    """A process under test ended or did not answer in time; the message shows its last words."""


def free_port(taken: set[int]) -> int:
    """Return a loopback port nobody listens on and note it in `taken`."""
    while True:
        port = random.randint(LOWEST, HIGHEST)
        if port in taken:
            continue
        taken.add(port)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def accepts(port: int) -> bool:
    """Tell whether something listens on a loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Process:
    """A child process whose output goes to a file; use it as a context manager.

    Leaving the context sends SIGTERM and, after `patience` seconds, SIGKILL.
    """

    __slots__ = ("name", "output", "patience", "started_at", "_child")

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        patience: float = 3.0,
    ) -> None:
        self.name = name
        self.output = folder / f"{name}.out"
        self.patience = patience
        with self.output.open("ab") as sink:
            self.started_at = time.monotonic()
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=env,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    async def await_port(self, port: int, timeout: float = 10.0) -> None:
        """Block until `port` accepts connections; raises NotReadyError."""
        deadline = time.monotonic() + timeout
        while not accepts(port):
            if not self.running:
                raise NotReadyError(self.complaint(f"ended with code {self._child.returncode}"))
            if time.monotonic() > deadline:
                raise NotReadyError(self.complaint(f"port {port} not open after {timeout:g} s"))
            await asyncio.sleep(0.005)

    def complaint(self, what: str) -> str:
        """Return `what` with the process's name before and its last output lines behind it."""
        said = self.output.read_text(errors="replace").splitlines()[-5:]
        return "\n    ".join([f"{self.name}: {what}", *said])

    def stop(self) -> None:
        """End the process; does nothing if it has ended."""
        if not self.running:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(self.patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def __enter__(self) -> Self:
        """Return the running process."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.stop()
