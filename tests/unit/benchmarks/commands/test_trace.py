"""`headrace bench trace`: what it prints, writes and returns."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.commands.trace import (
    ConvertOptions,
    FitOptions,
    InfoOptions,
    SynthOptions,
    main,
)
from benchmarks.load.shape import Shape
from benchmarks.trace.reading import read


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    rows = "".join(f"{number * 0.01:.2f},100,5\n" for number in range(600))
    path.write_text("t_s,input_tokens,output_tokens\n" + rows)
    return path


def test_info_prints_tables_or_json(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(InfoOptions(path=table)) == 0
    assert "longest silence" in capsys.readouterr().out
    assert main(InfoOptions(path=table, json=True, start=1, span=2)) == 0
    assert msgspec.json.decode(capsys.readouterr().out)["rows"] == 200


def test_convert_cuts_speeds_and_says_what_it_wrote(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"

    assert main(ConvertOptions(path=table, to=out, start=1, span=2, speed=4)) == 0
    assert read(out).format == "jsonl"
    assert read(out).rows[-1].at == pytest.approx(1.99 / 4)
    assert capsys.readouterr().out == f"{out}: 200 rows, jsonl\n"


def test_what_a_format_loses_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    talks, out = tmp_path / "talks.jsonl", tmp_path / "out.csv"
    shape = Shape(rate=9, requests=20, turns="2")

    assert main(SynthOptions(shape=shape, to=talks)) == 0
    assert main(ConvertOptions(path=talks, to=out, as_format="azure")) == 0
    assert "no place for sessions" in capsys.readouterr().out


def test_a_fit_can_be_drawn_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn, pattern, again = (tmp_path / name for name in ("a.csv", "fit.json", "b.csv"))
    shape = Shape(rate=40, duration=40, input="uniform:10..90")

    assert main(SynthOptions(shape=shape, to=drawn)) == 0
    assert main(FitOptions(path=drawn, to=pattern)) == 0
    assert f"--preset {pattern}" in capsys.readouterr().out
    assert main(SynthOptions(shape=Shape(preset=str(pattern), duration=20), to=again)) == 0
    sizes = [row.input_tokens for row in read(again).rows]
    assert len(sizes) == pytest.approx(800, rel=0.2)
    assert (min(sizes) >= 10, max(sizes) <= 90) == (True, True)
    assert main(FitOptions(path=drawn, json=True)) == 0


def test_a_bad_trace_is_one_message_and_4(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_text(table.read_text() + "x,1,1\n")

    assert main(InfoOptions(path=table)) == 4
    assert "line 602: t_s is 'x'" in capsys.readouterr().err
    assert main(InfoOptions(path=table, skip_bad=True)) == 0
    assert main(InfoOptions(path=tmp_path / "nothing")) == 4
    assert main(FitOptions(path=table, skip_bad=True, to=tmp_path / "no" / "x.json")) == 4


def test_wrong_words_are_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = Shape(rate=5, arrivals="fractal")

    assert main(SynthOptions(shape=shape, to=tmp_path / "x")) == 2
    assert "--arrivals: 'fractal'" in capsys.readouterr().err
