"""Distributions of prompt and answer lengths."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.load.lengths import (
    Fixed,
    LogNormal,
    Quantiles,
    Uniform,
    checked,
    parse,
    read_table,
    whole,
)
from benchmarks.load.streams import stream
from benchmarks.load.wording import WorkloadError


def test_every_form_is_read() -> None:
    assert parse("512") == Fixed(512)
    assert parse("uniform:100..900") == Uniform(100, 900)
    assert parse("lognormal:500,6000") == LogNormal(500, 6000)


def test_uniform_holds_both_ends_alike() -> None:
    sizes = Uniform(3, 5).at(stream(1, "input").random(3000))

    assert {int(size) for size in sizes} == {3, 4, 5}
    assert (sizes == 5).sum() == pytest.approx(1000, rel=0.15)


def test_lognormal_has_its_median_and_its_tail() -> None:
    sizes = LogNormal(500, 6000).at(np.array([0.5, 0.99, 0.0]))

    assert sizes.tolist() == [500, 6000, 1]


def test_a_table_is_its_own_quantile_function() -> None:
    table = Quantiles(((0.0, 6.0), (50.0, 13.0), (100.0, 113.0)))

    assert table.at(np.array([0.0, 0.25, 0.5, 0.75])).tolist() == [6, 10, 13, 63]


def test_lengths_are_whole_and_at_least_one() -> None:
    assert whole(np.array([0.0, 0.4, 1.6])).tolist() == [1, 1, 2]


def test_a_file_of_quantiles(tmp_path: Path) -> None:
    file = tmp_path / "q.csv"
    file.write_text("percentile,tokens\n0,10\n50,20\n\n100,90\n")

    assert parse(f"quantiles:{file}") == Quantiles(((0, 10), (50, 20), (100, 90)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0,10\nx\n100,20\n", "line 2"),
        ("5,10\n100,20\n", "from percentile 0 to 100"),
        ("0,10\n50,20\n50,21\n100,30\n", "climb"),
        ("0,10\n50,9\n100,30\n", "fall"),
        ("", "from percentile 0 to 100"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "q.csv"
    file.write_text(text)

    with pytest.raises(WorkloadError, match=told):
        read_table(file)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(WorkloadError, match="cannot be read"):
        read_table(Path("nowhere.csv"))


@pytest.mark.parametrize(
    "text", ["", "0", "12.5", "uniform:9..3", "lognormal:9,3", "normal:3", "uniform:", "quantiles:"]
)
def test_what_is_no_distribution(text: str) -> None:
    with pytest.raises(WorkloadError):
        parse(text)


def test_a_table_names_its_source() -> None:
    with pytest.raises(WorkloadError, match="the fit"):
        checked(((0.0, 1.0), (100.0, 0.5)), "the fit")
