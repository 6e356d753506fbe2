"""`python -m benchmarks`."""

import importlib

import pytest

from benchmarks import __main__ as command


def test_every_command_leads_to_a_module_with_a_main() -> None:
    for module, _ in command.COMMANDS.values():
        assert callable(importlib.import_module(module).main)


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--help"], 0), (["nonsense"], 2)])
def test_without_a_known_command_the_list_is_shown(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(words) == code
    assert "cancel" in capsys.readouterr().out
