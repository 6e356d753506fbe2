"""The settings of hedging, read from a file."""

from pathlib import Path

import pytest

from proxy.core.hedging import Policy
from proxy.settings.hedging import Hedging
from proxy.settings.load import load
from proxy.settings.problems import SettingsError


def test_each_model_has_rules_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text('models: {hedge: {small: {}, "big-*": {delay: 2s, budget: 0.1}}}\n')

    found = load(file, {}).settings.models.hedge

    assert found == {"small": Hedging(), "big-*": Hedging(delay=2.0, budget=0.1)}
    assert found["big-*"].policy == Policy(delay=2.0, budget=0.1)
    assert found["small"].policy == Policy()


@pytest.mark.parametrize("text", ["{budget: 0.9}", "{budget: 0}", "{delay: -1s}", "{after: 1s}"])
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text(f"models: {{hedge: {{small: {text}}}}}\n")

    with pytest.raises(SettingsError, match=r"models\.hedge\.small"):
        load(file, {})
