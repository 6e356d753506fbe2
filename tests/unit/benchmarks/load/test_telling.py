"""A workload in words."""

import numpy as np

from benchmarks.load.shape import Shape
from benchmarks.load.telling import load, tell


def test_what_was_asked_and_what_was_drawn() -> None:
    shape = Shape(rate=50, arrivals="gamma:0.5", cancel="5%@200ms", speed=2)

    assert tell(shape, np.array([0.5, 0.6, 2.0]), talks=False) == (
        "gamma:0.5 50 req/s at speed 2, cancelled 5%@200ms, "
        "drawn: 3 requests, 1.5 req/s, 2 in the busiest second"
    )


def test_sessions_have_no_rate_before_they_run() -> None:
    assert "busiest" not in tell(Shape(rate=5, turns="3"), np.array([0.5, 0.5]), talks=True)


def test_closed_and_bounded_loops_are_told_apart() -> None:
    assert load(Shape(concurrency=8)) == "closed loop of 8"
    assert load(Shape(concurrency=8, ramp="1..9@5s")) == "ramp 1..9@5s at most 8"
    assert load(Shape(rate=float("inf"), requests=9)) == "all at once"
    assert load(Shape(preset="code-like")) == "code-like"
