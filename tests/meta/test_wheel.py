"""The wheel holds the two packages, typing marker, command and licence: nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.meta import tree


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel as a release would, without a network."""
    out: Path = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out)],
        cwd=tree.ROOT,
        capture_output=True,
        check=True,
    )
    (built,) = out.glob("*.whl")
    return zipfile.ZipFile(built)


def test_it_holds_exactly_the_two_packages(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}
    (metadata,) = {name for name in top if name.endswith(".dist-info")}

    assert top == {"proxy", "benchmarks", metadata}


def test_it_holds_every_module(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if name.endswith(".py")}

    assert packed >= set(tree.python("proxy", "benchmarks"))


def test_it_holds_the_pages_of_the_dashboard(wheel: zipfile.ZipFile) -> None:
    pages = {name for name in tree.files() if name.startswith("proxy/edge/pages/")}

    assert pages
    assert pages <= set(wheel.namelist())


def test_it_is_typed_licensed_and_has_its_command(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = (n for n in wheel.namelist() if n.endswith("dist-info/entry_points.txt"))

    assert "proxy/py.typed" in wheel.namelist()
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in wheel.namelist())
    assert "headrace = proxy.cli:main" in wheel.read(entry_points).decode()
