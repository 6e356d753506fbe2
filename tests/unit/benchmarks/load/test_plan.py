"""Shapes understood, and mistakes told by the flag they are in."""

import math
from typing import Any

import pytest

from benchmarks.load.courses import Flash, Ramp, Steady
from benchmarks.load.lengths import Fixed, Quantiles
from benchmarks.load.patterns import PRESETS
from benchmarks.load.plan import CLOSED_MOST, understand
from benchmarks.load.shape import Shape
from benchmarks.load.wording import WorkloadError


def test_defaults() -> None:
    plan = understand(Shape(rate=50))

    assert (plan.course, plan.span, plan.wanted) == (Steady(50.0), 10.0, None)
    assert (plan.input, plan.output) == (Fixed(512), Fixed(128))
    assert plan.fresh == 0


def test_a_preset_fills_what_no_flag_says() -> None:
    plan = understand(Shape(preset="code-like", output="7"))

    assert plan.course == Steady(2.57)
    assert plan.input == Quantiles(PRESETS["code-like"].input)
    assert plan.output == Fixed(7)
    assert understand(Shape(rate=9, input="preset:conv-like")).input == Quantiles(
        PRESETS["conv-like"].input
    )


def test_presets_bring_crowds_and_tenants() -> None:
    assert understand(Shape(preset="flash-crowd", rate=30)).course == Flash(rate=30, height=12)
    assert len(understand(Shape(preset="multi-tenant")).sources) == 16


def test_speed_reaches_rate_ramp_and_silences() -> None:
    plan = understand(Shape(ramp="10..20@60s", speed=4, idle_gap="20s@100s"))

    assert plan.course == Ramp(first=40, last=80, over=15)
    assert plan.silent is not None
    assert (plan.silent.length, plan.silent.every) == (5, 25)


def test_a_closed_loop_has_enough_requests_for_its_duration() -> None:
    plan = understand(Shape(concurrency=8, duration=2))
    long = understand(Shape(concurrency=8, duration=1e6))
    counted = understand(Shape(concurrency=8, requests=100))

    assert (plan.course, plan.span, plan.wanted) == (None, 2, 10_008)
    assert long.wanted == CLOSED_MOST
    assert (counted.span, counted.wanted) == (math.inf, 100)


def test_only_a_closed_loop_with_a_duration_has_an_end() -> None:
    assert understand(Shape(concurrency=8)).until == 10.0
    assert understand(Shape(concurrency=8, requests=9, duration=2)).until == 2.0
    assert understand(Shape(concurrency=8, requests=9)).until == math.inf
    assert understand(Shape(rate=8, duration=2)).until == math.inf


def test_a_preset_in_a_closed_loop_gives_lengths_only() -> None:
    assert understand(Shape(preset="code-like", concurrency=4, requests=9)).course is None


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({}, "how much load"),
        ({"rate": -1}, "--rate: -1"),
        ({"rate": math.nan}, "--rate"),
        ({"rate": math.inf}, "--requests"),
        ({"rate": 5, "speed": 0}, "--speed"),
        ({"rate": 5, "requests": 0}, "--requests"),
        ({"rate": 5, "ramp": "1..2@3s"}, "exclude each other"),
        ({"rate": 5, "arrivals": "fractal"}, "--arrivals: 'fractal'"),
        ({"rate": 5, "input": "many"}, "--input: 'many'"),
        ({"rate": 5, "input": "preset:nothing"}, "--input: 'nothing'"),
        ({"rate": 5, "cancel": "5%"}, "--cancel"),
        ({"rate": 5, "new_connections": "500%"}, "--new-connections"),
        ({"rate": 5, "prefix_groups": "x"}, "--prefix-groups"),
        ({"preset": "x"}, "--preset"),
    ],
)
def test_a_mistake_is_told_by_its_flag(flags: dict[str, Any], told: str) -> None:
    with pytest.raises(WorkloadError, match=told):
        understand(Shape(**flags))
