"""Drawn workloads as traces."""

from benchmarks.load.workload import Shape, draw
from benchmarks.trace.replay import Replay, schedule
from benchmarks.trace.synth import TURNS, recorded, synth

SHAPE = Shape(rate=20, requests=60, turns="1..3", think="exp:2s", prefix_groups="4")


def test_a_replayed_synthetic_trace_is_the_workload_it_was_drawn_from() -> None:
    drawn = draw(SHAPE, seed=3)

    assert schedule(recorded(drawn), Replay()).requests == drawn.requests


def test_sessions_are_noted() -> None:
    assert synth(SHAPE, seed=1).notes == (TURNS,)
    assert synth(Shape(rate=20, requests=9), seed=1).notes == ()
