"""`headrace keys`: what is printed is a key and settings that know it."""

from pathlib import Path

import pytest

from proxy.cli import app
from proxy.core.keys import Ring
from proxy.settings.load import load


@pytest.mark.parametrize("name", ["team-a", "a team: of 3"])
def test_a_new_key_and_the_settings_that_know_it(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert app.run(["keys", "create", name]) == 0

    printed = capsys.readouterr()
    secret = printed.out.strip()
    assert secret not in printed.err
    file = tmp_path / "headrace.yaml"
    file.write_text(printed.err.partition("\n\n")[2])
    found = Ring(load(file, {}).settings.keys.listed()).find(secret.encode())
    assert found is not None
    assert found[0].name == name


def test_no_two_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    app.run(["keys", "create", "a"])
    app.run(["keys", "create", "a"])

    one, two = capsys.readouterr().out.split()
    assert one != two
