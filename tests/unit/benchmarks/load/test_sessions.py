"""Turns and think time."""

import numpy as np
import pytest

from benchmarks.load.sessions import Think, Turns, parse_think, parse_turns
from benchmarks.load.streams import stream
from benchmarks.load.wording import WorkloadError

PLACES = stream(1, "turns").random(20_000)


def test_each_number_of_turns_alike() -> None:
    turns = parse_turns("2..6")

    assert turns.mean == 4
    assert np.bincount(turns.at(PLACES))[2:] == pytest.approx([4000] * 5, rel=0.1)
    assert parse_turns("4") == Turns(4, 4)


def test_think_time_is_fixed_uniform_or_exponential() -> None:
    assert parse_think("2s").at(PLACES).tolist() == [2.0] * PLACES.size
    even, steep = parse_think("uniform:1s..8s").at(PLACES), parse_think("exp:5s").at(PLACES)

    assert (np.min(even) >= 1, np.max(even) <= 8) == (True, True)
    assert even.mean() == pytest.approx(4.5, rel=0.02)
    assert steep.mean() == pytest.approx(5, rel=0.03)
    assert steep.std() == pytest.approx(5, rel=0.05)
    assert parse_think("exp:5s") == Think(mean=5)


@pytest.mark.parametrize("text", ["6..2", "0", "x"])
def test_turns_that_are_none(text: str) -> None:
    with pytest.raises(WorkloadError):
        parse_turns(text)


@pytest.mark.parametrize("text", ["uniform:8s..1s", "gauss:2s", "soon"])
def test_think_times_that_are_none(text: str) -> None:
    with pytest.raises(WorkloadError):
        parse_think(text)
