"""A successor is the same command line with other descriptors; it says whether it serves."""

import select
import sys
from pathlib import Path

import pytest

from proxy.boot import successor
from proxy.boot.inherited import VARIABLE

SERVES = f"""
import json, os
left = json.loads(os.environ["{VARIABLE}"])
assert sorted(left) == ["ready", "sockets"]
os.write(left["ready"], b"1")
"""


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> tuple[bool, int]:
    script = folder / "program.py"
    script.write_text(text)
    monkeypatch.setattr(sys, "orig_argv", ["python", str(script)])
    child = successor.start({})
    ready, _, _ = select.select((child.descriptor,), (), (), 30)
    assert ready
    return child.ready(), child.wait()


def test_it_says_that_it_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run(monkeypatch, tmp_path, SERVES) == (True, 0)


def test_its_end_says_that_it_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run(monkeypatch, tmp_path, "raise SystemExit(3)") == (False, 3)


def test_what_cannot_be_started_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    before = len([*Path("/proc/self/fd").iterdir()])

    with pytest.raises(FileNotFoundError):
        successor.start({})

    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_one_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(sys, "orig_argv", ["python", str(script)])
    child = successor.start({})
    assert child.buried() is None

    child.give_up()

    assert child.wait() == -9
    assert child.buried() == -9
    assert child.pid
