"""Silences between requests."""

import numpy as np
import pytest

from benchmarks.load.silences import Silences, parse
from benchmarks.load.streams import stream
from benchmarks.load.wording import WorkloadError


def test_times_behind_a_silence_move_by_its_length() -> None:
    moved = Silences(5.0, 20.0).insert(np.array([1.0, 4.0, 9.0]), [3.0, 8.0])

    assert moved.tolist() == [1.0, 9.0, 19.0]


def test_silences_come_as_often_as_asked_and_the_mean_rate_stays() -> None:
    silent = Silences(5.0, 20.0)
    begins = silent.begins(20_000, stream(1, "silences"))

    assert len(begins) == pytest.approx(1000, rel=0.1)
    assert silent.raised == pytest.approx(20 / 15)
    assert begins == sorted(begins)


def test_speed_shortens_them() -> None:
    assert Silences(5.0, 20.0).sped(5) == Silences(1.0, 4.0)


def test_words() -> None:
    assert parse("20s@5m") == Silences(20, 300)
    for wrong in ("20s", "20s@10s", "0s@10s"):
        with pytest.raises(WorkloadError):
            parse(wrong)
