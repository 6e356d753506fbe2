"""Where a record goes, and with which code."""

import gzip
from pathlib import Path

import msgspec
import pytest

from benchmarks.commands.outputs import Output, deliver
from benchmarks.load.observed import Observed, Trial
from benchmarks.report.record import Arm, Record
from benchmarks.report.record_file import load


def record(**changes: object) -> Record:
    fields: dict[str, object] = {
        "command": "run",
        "arms": [Arm(name="endpoint", role="direct")],
        "figures": {"endpoint": {"requests": 20.0, "ttft_p50_ms": 12.0, "ttft_p99_ms": 30.0}},
    }
    return Record(**{**fields, **changes})  # type: ignore[arg-type]  # the fields are checked there


def test_the_report_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert deliver(record(), Output()) == 0
    assert "within 12.0 ms" in capsys.readouterr().out


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert deliver(record(), Output(quiet=True)) == 0
    assert capsys.readouterr().out == ""


def test_an_invalid_run_ends_with_4() -> None:
    assert deliver(record(verdict="invalid"), Output(quiet=True)) == 4


def test_a_broken_budget_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert deliver(record(), Output(quiet=True, budget="ttft.p99=50ms")) == 0
    assert deliver(record(), Output(quiet=True, budget="ttft.p99=20ms")) == 3
    assert "ttft.p99" in capsys.readouterr().out


def test_files_are_written(tmp_path: Path) -> None:
    into = tmp_path / "new"
    output = Output(
        quiet=True,
        json=into / "a.json",
        md=into / "a.md",
        csv=into / "a.csv",
        html=into / "a.html",
    )
    assert deliver(record(), output) == 0
    assert load(into / "a.json").command == "run"
    assert "ttft_p50_ms" in (into / "a.csv").read_text()
    assert (into / "a.md").read_text().startswith("#")
    assert "<html" in (into / "a.html").read_text()


def test_every_request_is_a_line(tmp_path: Path) -> None:
    trial = Trial(
        observed=[Observed(index=0), Observed(index=1, failure="reset")], began_ns=0, wall_ns=1
    )
    file = tmp_path / "raw.jsonl.gz"
    assert deliver(record(), Output(quiet=True, raw=file), {"endpoint": trial}) == 0
    lines = [msgspec.json.decode(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert [(line["arm"], line["failure"]) for line in lines] == [
        ("endpoint", ""),
        ("endpoint", "reset"),
    ]


def test_a_file_that_cannot_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert deliver(record(), Output(quiet=True, json=tmp_path / "file" / "a.json")) == 4
    assert "cannot write" in capsys.readouterr().err
