"""The built wheel works by itself, away from the checkout."""

import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command away from the checkout."""
    return subprocess.run(words, cwd=cwd, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own; libraries are those of the tests."""
    home = tmp_path_factory.mktemp("installed")
    python = home / "env" / "bin" / "python"
    run(
        *(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", home), cwd=ROOT
    ).check_returncode()
    (wheel,) = home.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", home / "env", cwd=home).check_returncode()
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install"),
        *("--no-deps", "--no-index", "--quiet", wheel),
        cwd=home,
    ).check_returncode()
    (site,) = (home / "env" / "lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "env" / "bin"


def test_the_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    ran = run(installed / "headrace", "version", cwd=tmp_path)

    where = run(installed / "python", "-c", "import proxy; print(proxy.__file__)", cwd=tmp_path)
    assert where.stdout.startswith(str(installed.parent)), "not the installed package"
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("headrace ")


def test_a_good_configuration_passes_a_bad_one_does_not(installed: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("backends: [{url: 'http://127.0.0.1:8000'}]\n")
    bad.write_text("limits: {bodyy: 1MiB, queue: many}\n")

    passed = run(installed / "headrace", "check", "-c", str(good), cwd=tmp_path)
    failed = run(installed / "headrace", "check", "-c", str(bad), cwd=tmp_path)

    assert passed.returncode == 0, passed.stderr
    assert failed.returncode == 2
    told = failed.stdout + failed.stderr
    assert "limits.body" in told, "no suggestion"
    assert "limits.queue" in told, "only the first problem was told"


def test_every_third_party_package_it_wants_is_declared(installed: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (site,) = (installed.parent / "lib").glob("python*/site-packages")
    (metadata,) = site.glob("headrace-*.dist-info/METADATA")

    wanted = [line for line in metadata.read_text().splitlines() if "Requires-Dist" in line]

    assert len([line for line in wanted if "extra ==" not in line]) == len(project["dependencies"])
