"""How many processes make a load, and the grain of plots over time."""

import io
import math
import os

import pytest

from benchmarks.commands.loading import Loading, counting, processes, step
from benchmarks.load.planned import Planned, Schedule
from benchmarks.report.progress import Watch


def schedule(tokens: int, span: float, **changes: object) -> Schedule:
    requests = (Planned(input_tokens=1, output_tokens=tokens),)
    return Schedule(requests=requests, span=span, **changes)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)


@pytest.mark.parametrize(
    ("tokens", "span", "wanted"),
    [(1000, 1.0, 1), (40_000, 1.0, 3), (10_000_000, 1.0, 7), (1000, math.inf, 1), (1000, 0.0, 1)],
)
def test_one_core_is_left_to_the_endpoint(tokens: int, span: float, wanted: int) -> None:
    assert processes(schedule(tokens, span), Loading()) == wanted


def test_a_limit_is_kept_by_one_process() -> None:
    assert processes(schedule(10_000_000, 1.0, concurrency=64), Loading()) == 1


def test_who_says_how_many_gets_them() -> None:
    assert processes(schedule(1, 1.0), Loading(clients=5)) == 5


@pytest.mark.parametrize(
    ("seconds", "wanted"), [(1, 0.1), (24, 0.1), (50, 0.25), (240, 1.0), (3600, 25.0)]
)
def test_a_plot_has_at_most_240_points(seconds: float, wanted: float) -> None:
    assert step(seconds) == pytest.approx(wanted)


def test_progress_counts_answers_and_the_time_in_which_new_requests_begin() -> None:
    out, now = io.StringIO(), [0.0]
    watch = Watch(file=out, clock=lambda: now[0])
    one = Planned(input_tokens=1, output_tokens=1)
    told = counting(watch, Schedule(requests=(one,) * 90, span=60.0), lambda: now[0])
    closed = counting(watch, Schedule(requests=(one,) * 90, span=40.0, until=40.0), lambda: now[0])
    told(0, 90)
    closed(0, 90)
    for tell in (told, closed, told):
        now[0] += 12.0 if tell is not told or now[0] == 0 else 50.0
        tell(7, 90)

    assert out.getvalue().splitlines() == [
        "7/90 requests answered, ~48 s left",
        "7/7 requests answered, ~16 s left",
        "7/90 requests answered, all have been sent",
    ]
