"""`report`: a saved result, printed and written again."""

from pathlib import Path

import pytest

from benchmarks.commands.outputs import Output
from benchmarks.commands.report import Options, main
from benchmarks.report import record_file
from tests.fixtures.bench import records


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "run.json.gz"
    record_file.save(records.overhead(rounds=8), path)
    return path


def test_it_prints_what_the_run_printed(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(Options(path=saved)) == 0

    assert "Through headrace a user waits" in capsys.readouterr().out


def test_it_writes_the_other_forms(saved: Path) -> None:
    output = Output(md=saved.parent / "a.md", csv=saved.parent / "a.csv", quiet=True)

    assert main(Options(path=saved, output=output)) == 0

    assert (saved.parent / "a.md").read_text().startswith("## What the proxy costs")
    assert (saved.parent / "a.csv").read_text().startswith("command,started,")


@pytest.mark.parametrize(("budget", "code"), [("cpu_per_1k=90ms", 0), ("cpu_per_1k=1ms", 3)])
def test_a_budget_is_judged(saved: Path, budget: str, code: int) -> None:
    assert main(Options(path=saved, output=Output(budget=budget, quiet=True))) == code


def test_a_budget_that_cannot_be_read_is_a_wrong_word(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(Options(path=saved, output=Output(budget="cpu=1", quiet=True))) == 2

    assert "can be limited" in capsys.readouterr().err


def test_what_is_no_result_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.json").write_text("{}")

    assert main(Options(path=tmp_path / "x.json")) == 4

    assert capsys.readouterr().err.startswith("headrace bench report: ")


def test_a_damaged_histogram_is_said_and_never_a_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = records.endpoint()
    record.histograms["direct"]["ttft_us"] = "AAAA"
    record_file.save(record, tmp_path / "x.json")

    assert main(Options(path=tmp_path / "x.json")) == 4

    captured = capsys.readouterr()
    assert "not an HDR histogram" in captured.err
    assert captured.out == ""
