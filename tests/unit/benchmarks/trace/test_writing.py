"""Writing traces."""

from pathlib import Path

import pytest

from benchmarks.trace.problems import TraceError
from benchmarks.trace.reading import read
from benchmarks.trace.rows import Row, Trace
from benchmarks.trace.writing import WRITTEN, losses, write

TRACE = Trace(
    rows=(
        Row(at=0.0, input_tokens=600, output_tokens=4),
        Row(at=1.25, input_tokens=9, output_tokens=1),
    ),
    format="csv",
)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_recognised_and_the_same(tmp_path: Path, name: str) -> None:
    write(TRACE, tmp_path / "out", name)
    found = read(tmp_path / "out")

    assert (found.format, found.rows) == (name, TRACE.rows)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_some_formats_are_only_read(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="only read: write azure, burstgpt"):
        write(TRACE, tmp_path / "out", "otel")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be written: No such file"):
        write(TRACE, tmp_path / "no" / "out")


def test_losses_are_told() -> None:
    rows = (Row(at=0, input_tokens=1, output_tokens=1, prefix=(1,), session=0),)
    full = Trace(rows=rows, format="csv")

    assert len(losses(full, "azure")) == 2
    assert len(losses(full, "burstgpt")) == len(losses(full, "mooncake")) == 1
    assert losses(full, "csv") == losses(TRACE, "azure") == ()
