"""The settings of early commits, read from a file."""

from pathlib import Path

import pytest

from proxy.core.early import Policy
from proxy.settings.early import Early
from proxy.settings.load import load
from proxy.settings.problems import SettingsError


def test_each_model_has_rules_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text('models: {commit_early: {small: {}, "big-*": {after: 5s, every: 20s}}}\n')

    found = load(file, {}).settings.models.commit_early

    assert found == {"small": Early(), "big-*": Early(after=5.0, every=20.0)}
    assert found["big-*"].policy == Policy(after=5.0, every=20.0)
    assert found["small"].policy == Policy()


@pytest.mark.parametrize("text", ["{every: 0s}", "{after: -1s}", "{before: 1s}"])
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text(f"models: {{commit_early: {{small: {text}}}}}\n")

    with pytest.raises(SettingsError, match=r"models\.commit_early\.small"):
        load(file, {})
