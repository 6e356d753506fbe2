"""What callgrind writes, and what is said when it cannot run."""

import shutil
import sys

import pytest

from benchmarks.micro import callgrind


def test_the_total_of_a_dump_is_read() -> None:
    assert (
        callgrind.total(b"desc: Trigger: x\nsummary: 1\nfn=(1)\n0 7\ntotals: 15635570\n")
        == 15635570
    )


def test_a_dump_cut_short_is_an_error() -> None:
    with pytest.raises(callgrind.CallgrindError, match="without totals"):
        callgrind.total(b"version: 1\n")


def test_without_valgrind_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(callgrind.CallgrindError, match="apt-get install valgrind"):
        callgrind.stretches([sys.executable, "-c", "pass"])


def test_a_mark_is_a_call_that_does_nothing() -> None:
    callgrind.mark()
