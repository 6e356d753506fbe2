"""Which proxy a command is about."""

from pathlib import Path

import pytest
import typer

from proxy.cli.reaching import where


def test_an_address_wins_over_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text("admin: 127.0.0.1:7\n")

    assert str(where(file, None)) == "127.0.0.1:7"
    assert str(where(Path("/nowhere"), "127.0.0.1:8")) == "127.0.0.1:8"


def test_what_is_no_address_and_what_are_no_settings_end_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text("admim: 127.0.0.1:7\n")

    with pytest.raises(typer.BadParameter):
        where(None, "nowhere at all")
    with pytest.raises(typer.Exit) as end:
        where(file, None)
    assert end.value.exit_code == 2
    assert "admim" in capsys.readouterr().err
