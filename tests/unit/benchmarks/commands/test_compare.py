"""`compare`: two saved results."""

from pathlib import Path

import pytest

from benchmarks.commands.compare import Options, main
from benchmarks.report import record_file
from benchmarks.report.record import Record
from tests.fixtures.bench import records


def saved(folder: Path, *pair: Record) -> tuple[Path, Path]:
    paths = (folder / "a.json", folder / "b.json")
    for record, path in zip(pair, paths, strict=True):
        record_file.save(record, path)
    return paths


def test_it_says_what_changed_and_writes_markdown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = saved(tmp_path, records.overhead(rounds=8), records.overhead(rounds=8, seed=2))

    assert main(Options(before=before, after=after, md=tmp_path / "c.md")) == 0

    out = capsys.readouterr().out
    assert out.startswith("What changed")
    assert "The second run " in out
    assert (tmp_path / "c.md").read_text().startswith("## What changed")


def test_a_broken_budget_is_three_and_a_wrong_word_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worse = records.overhead(rounds=8)
    for block in worse.blocks:
        cpu = block.figures.get("cpu_ms_per_1k_tokens")
        if cpu is not None:
            block.figures["cpu_ms_per_1k_tokens"] = cpu * 2
    before, after = saved(tmp_path, records.overhead(rounds=8), worse)
    pair = {"before": before, "after": after}

    assert main(Options(**pair, budget="cpu_per_1k=1ms", quiet=True)) == 3
    assert main(Options(**pair, budget="nonsense", quiet=True)) == 2
    assert "broken" in capsys.readouterr().out


def test_an_invalid_run_is_four(tmp_path: Path) -> None:
    invalid = records.overhead(rounds=8)
    invalid.verdict = "invalid"
    before, after = saved(tmp_path, records.overhead(rounds=8), invalid)

    assert main(Options(before=before, after=after, quiet=True)) == 4


def test_runs_of_different_commands_are_four_and_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = saved(tmp_path, records.overhead(rounds=8), records.endpoint())

    assert main(Options(before=before, after=after)) == 4
    assert "their figures mean different things" in capsys.readouterr().err
