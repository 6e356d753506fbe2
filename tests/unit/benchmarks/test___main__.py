"""`python -m benchmarks`."""

import importlib
from typing import Any

import pytest

from benchmarks import __main__ as command


def test_every_program_leads_to_a_module_with_a_main() -> None:
    for module in command.PROGRAMS.values():
        assert callable(importlib.import_module(module).main)


@pytest.mark.parametrize("name", command.PROGRAMS)
def test_a_program_gets_the_words_behind_its_name(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    module = importlib.import_module(command.PROGRAMS[name])

    def main(words: list[str]) -> int:
        seen.append(words)
        return 3

    monkeypatch.setattr(module, "main", main)
    assert command.main([name, "--rounds", "1"]) == 3
    assert seen == [["--rounds", "1"]]


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["nonsense"], 2)])
def test_everything_else_is_a_command_of_the_bench(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(words) == code
    told = capsys.readouterr()
    assert ("overhead" if code == 0 else "nonsense") in told.out + told.err
