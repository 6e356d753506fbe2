"""The settings of balancing, read from a file."""

from pathlib import Path

import pytest

from proxy.core import selection
from proxy.core.standing import Policy
from proxy.settings.balancing import BalanceSettings, Outliers
from proxy.settings.load import load
from proxy.settings.problems import SettingsError


def read(tmp_path: Path, text: str) -> BalanceSettings:
    file = tmp_path / "headrace.yaml"
    file.write_text(f"balance: {text}\n")
    return load(file, {}).settings.balance


def test_what_is_left_out_keeps_its_default(tmp_path: Path) -> None:
    assert read(tmp_path, "{policy: random}") == BalanceSettings(policy=selection.Policy.RANDOM)
    assert BalanceSettings().session_bound == 1.25


@pytest.mark.parametrize(("text", "bound"), [("null", None), ("1", 1.0), ("2.5", 2.5)])
def test_sessions_have_a_bound_or_none(tmp_path: Path, text: str, bound: float | None) -> None:
    assert read(tmp_path, f"{{session_bound: {text}}}").session_bound == bound


@pytest.mark.parametrize("text", ["0.9", "-1", "1000", "off"])
def test_a_bound_below_the_mean_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"balance\.session_bound"):
        read(tmp_path, f"{{session_bound: {text}}}")


def test_rules_about_outliers_follow_from_the_file(tmp_path: Path) -> None:
    assert Outliers().policy == Policy()
    rules = read(tmp_path, "{outliers: {slowness: null, silence: 0, hold: 10m, share: 0.25}}")

    policy = rules.outliers.policy

    assert (policy.factor, policy.silence, policy.share) == (0.0, 0.0, 0.25)
    assert (policy.hold, policy.max_hold) == (600.0, 600.0)  # the longest is no shorter


def test_a_pace_that_is_nearly_the_same_is_no_ground(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"balance\.outliers\.slowness"):
        read(tmp_path, "{outliers: {slowness: 1.1}}")
