"""The settings of balancing, read from a file."""

from pathlib import Path

import pytest

from proxy.core.selection import Policy
from proxy.settings.balancing import BalanceSettings
from proxy.settings.load import load
from proxy.settings.problems import SettingsError


def read(tmp_path: Path, text: str) -> BalanceSettings:
    file = tmp_path / "headrace.yaml"
    file.write_text(f"balance: {text}\n")
    return load(file, {}).settings.balance


def test_what_is_left_out_keeps_its_default(tmp_path: Path) -> None:
    assert read(tmp_path, "{policy: random}") == BalanceSettings(policy=Policy.RANDOM)
    assert BalanceSettings().session_bound == 1.25


@pytest.mark.parametrize(("text", "bound"), [("null", None), ("1", 1.0), ("2.5", 2.5)])
def test_sessions_have_a_bound_or_none(tmp_path: Path, text: str, bound: float | None) -> None:
    assert read(tmp_path, f"{{session_bound: {text}}}").session_bound == bound


@pytest.mark.parametrize("text", ["0.9", "-1", "1000", "off"])
def test_a_bound_below_the_mean_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"balance\.session_bound"):
        read(tmp_path, f"{{session_bound: {text}}}")
