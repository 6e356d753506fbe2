"""The entry point: the version without delay, everything else handed on."""

import subprocess
import sys

import pytest

from proxy import __version__
from proxy.cli import main


@pytest.mark.parametrize("word", ["version", "--version"])
def test_the_version_is_told(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    assert capsys.readouterr().out == f"headrace {__version__}\n"


def test_the_version_needs_no_library() -> None:
    program = (
        "import sys; from proxy.cli import main; main(['version']);"
        " sys.exit(bool({'typer', 'msgspec', 'aiohttp', 'yaml', 'rich'} & sys.modules.keys()))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_words_of_the_process_are_the_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["headrace", "version"])

    assert main() == 0
    assert capsys.readouterr().out == f"headrace {__version__}\n"


def test_wrong_words_are_handed_on_and_come_back_as_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serv"]) == 2
    assert "serve" in capsys.readouterr().err
