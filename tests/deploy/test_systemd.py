"""The unit: systemd reads it without a word, finds it confined, and gives it the time to drain."""

import configparser
import re
import sys
from pathlib import Path

from proxy.settings.schema import Drain
from tests.fixtures.deployed import DEPLOY, ROOT, program, run

UNIT = DEPLOY / "systemd" / "headrace.service"
COMMAND = "/opt/headrace/bin/headrace"


def here(folder: Path) -> Path:
    """Return a copy of the unit that names a program of this machine: systemd looks for it."""
    copy = folder / UNIT.name
    copy.write_text(UNIT.read_text().replace(COMMAND, sys.executable))
    return copy


def keys() -> dict[str, str]:
    """Return the keys of [Service]; of a repeated one the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # as its documentation says
    parser.read(UNIT)
    return dict(parser["Service"])


def test_systemd_has_nothing_to_say_about_it(tmp_path: Path) -> None:
    ran = run(program("systemd-analyze", "systemd reads the unit"), "verify", here(tmp_path))

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_it_is_as_confined_as_a_network_service_can_be(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "how exposed the unit is")

    ran = run(analyze, "security", "--offline=true", "--threshold=20", here(tmp_path))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", ran.stdout)
    assert exposure is not None
    assert float(exposure[1]) <= 2.0


def test_it_has_time_to_drain_with_the_default_settings() -> None:
    drain = Drain()

    assert int(keys()["TimeoutStopSec"]) > drain.delay + drain.timeout


def test_wrong_settings_are_not_tried_again() -> None:
    assert keys()["ExecStart"].startswith(f"{COMMAND} serve ")
    assert keys()["RestartPreventExitStatus"] == "2"  # docs/reference/cli.md
    assert "ExecStartPre" not in keys()  # its exit status is not asked: systemd.service(5)


def test_it_may_write_where_the_documentation_puts_the_database_of_keys() -> None:
    text = (ROOT / "docs" / "how-to" / "keys-and-limits.md").read_text()

    (database,) = re.findall(r"^  database: (\S+)", text, re.MULTILINE)

    assert Path(database).parent == Path("/var/lib") / keys()["StateDirectory"]
    assert keys()["StateDirectoryMode"] == "0700"
