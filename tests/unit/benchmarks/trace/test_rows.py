"""Traces as values: cuts, and clocks that move in steps."""

import numpy as np
import pytest

from benchmarks.load.courses import Times
from benchmarks.load.streams import stream
from benchmarks.trace.rows import Row, Trace, clock_step, spread_out


def row(at: float, **more: float) -> Row:
    return Row(at=at, input_tokens=5, output_tokens=3, **more)  # type: ignore[arg-type]


def test_a_cut_is_told_from_its_beginning() -> None:
    trace = Trace(rows=(row(1), row(4), row(6), row(9)), format="csv")

    assert trace.cut(4, 5).times().tolist() == [0, 2]
    assert trace.cut(0, None) is trace


def test_a_session_cut_in_its_middle_begins_anew() -> None:
    rows = (
        row(1, session=7),
        row(4, session=7, turn=1, think=2),
        row(6, session=7, turn=2, think=1),
    )
    first, second = Trace(rows=rows, format="csv").cut(3, None).rows

    assert (first.turn, first.think) == (0, 0)
    assert (second.turn, second.think) == (1, 1)


@pytest.mark.parametrize("step", [0.05, 1.0, 3.0])
def test_a_coarse_clock_is_noticed(step: float) -> None:
    exact: Times = np.multiply(np.floor(np.sort(stream(1, "t").random(400)) * 200), step)
    strayed: Times = exact + 0.0
    strayed[stream(1, "s").random(400) < 0.02] += 0.001

    assert clock_step(exact) == step
    assert clock_step(np.sort(strayed)) == pytest.approx(step, abs=0.002)


def test_a_fine_clock_is_none_and_neither_are_equal_gaps() -> None:
    assert clock_step(np.sort(stream(1, "t").random(400)) * 100) == 0
    assert clock_step(np.linspace(0.0, 39.9, 400)) == 0
    assert clock_step(np.repeat(np.sort(stream(1, "t").random(200)), 2) * 100) == 0
    assert clock_step(np.zeros(400)) == 0
    assert clock_step(np.array([0.0, 0.0, 3.0, 6.0])) == 0


def test_spread_rows_stay_in_their_step_and_in_order() -> None:
    times = np.repeat([0.0, 3.0, 9.0], 50)
    spread = spread_out(times, 3.0, stream(1, "spread"))

    assert (np.diff(spread) >= 0).all()
    assert (np.floor(spread / 3) * 3).tolist() == times.tolist()
    assert np.unique(spread).size == 150
