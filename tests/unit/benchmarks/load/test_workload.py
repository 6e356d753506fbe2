"""Schedules drawn from shapes."""

from itertools import pairwise

import pytest

from benchmarks.load.planned import Schedule
from benchmarks.load.workload import Shape, WorkloadError, draw


def times(schedule: Schedule) -> list[float]:
    return [one.at for one in schedule.requests]


def test_a_seed_draws_the_same_schedule_and_another_a_different_one() -> None:
    shape = Shape(preset="multi-tenant", duration=20, cancel="5%@200ms..2s")

    assert draw(shape, seed=3) == draw(shape, seed=3)
    assert times(draw(shape, seed=3)) != times(draw(shape, seed=4))


def test_a_number_of_requests_is_exact() -> None:
    schedule = draw(Shape(rate=20, requests=137, arrivals="gamma:0.1"), seed=1)

    assert len(schedule.requests) == 137
    assert schedule.span == schedule.requests[-1].at


def test_a_duration_bounds_times_and_a_number_bounds_it_too() -> None:
    schedule = draw(Shape(preset="code-like", rate=30, duration=5), seed=1)

    assert schedule.span == 5
    assert max(times(schedule)) < 5
    assert len(draw(Shape(rate=100, duration=10, requests=50), seed=1).requests) == 50


def test_a_shorter_run_is_the_beginning_of_a_longer_one() -> None:
    shape = Shape(rate=50, requests=100, input="uniform:1..999")
    longer = draw(Shape(rate=50, requests=300, input="uniform:1..999"), seed=1)

    short = [(one.input_tokens, one.output_tokens) for one in draw(shape, seed=1).requests]
    assert short == [(one.input_tokens, one.output_tokens) for one in longer.requests[:100]]


def test_turns_grow_by_what_was_said_and_begin_with_it() -> None:
    schedule = draw(
        Shape(rate=20, requests=200, turns="2..4", think="exp:1s", input="100", output="30"), seed=1
    )

    assert len(schedule.requests) == 200
    for before, after in pairwise(schedule.requests):
        if after.turn == 0:
            assert (after.input_tokens, after.think) == (100, 0)
            continue
        assert (after.session, after.turn, after.at) == (before.session, before.turn + 1, before.at)
        assert after.input_tokens == before.input_tokens + 130
        assert after.prefix[: len(before.prefix)] == before.prefix
        assert len(after.prefix) == after.input_tokens // schedule.prefix_block
        assert after.think > 0


def test_the_rate_counts_turns_as_requests() -> None:
    schedule = draw(Shape(rate=40, duration=100, turns="4"), seed=2)

    assert len(schedule.requests) == pytest.approx(4000, rel=0.12)


def test_prefixes_are_shared_within_a_group_and_leave_a_token_of_ones_own() -> None:
    schedule = draw(
        Shape(
            rate=50, requests=300, prefix_groups="4:zipf1", prefix_tokens=64, input="uniform:1..99"
        ),
        seed=1,
    )
    for one in schedule.requests:
        assert len(one.prefix) == min(64, one.input_tokens - 1) // 16
    assert len({one.prefix for one in schedule.requests if len(one.prefix) == 4}) == 4


def test_a_closed_loop_may_begin_at_once() -> None:
    schedule = draw(Shape(concurrency=8, requests=30), seed=1)

    assert times(schedule) == [0.0] * 30
    assert schedule.concurrency == 8


def test_silences_are_silent() -> None:
    schedule = draw(Shape(rate=20, duration=400, idle_gap="5s@25s"), seed=2)
    gaps = [b - a for a, b in pairwise(times(schedule))]

    assert 8 <= sum(gap > 5 for gap in gaps) <= 24
    assert len(schedule.requests) == pytest.approx(8000, rel=0.15)


def test_manners_come_in_their_shares() -> None:
    schedule = draw(
        Shape(rate=50, requests=4000, cancel="5%@200ms", slow="2%@2KiB/s", new_connections="10%"),
        seed=1,
    )
    count = len(schedule.requests)

    assert sum(one.cancel_after == 0.2 for one in schedule.requests) / count == pytest.approx(
        0.05, abs=0.015
    )
    assert sum(one.read_rate == 2048 for one in schedule.requests) / count == pytest.approx(
        0.02, abs=0.01
    )
    assert sum(one.fresh for one in schedule.requests) / count == pytest.approx(0.1, abs=0.02)


def test_tenants_have_prefixes_and_sizes_of_their_own() -> None:
    schedule = draw(Shape(preset="multi-tenant", duration=30, input="400"), seed=1)

    assert len({one.prefix[0] for one in schedule.requests if one.prefix}) > 8
    assert {one.input_tokens for one in schedule.requests} == {100, 200, 400, 600, 800}


@pytest.mark.parametrize("preset", ["code-like", "flash-crowd", "multi-tenant"])
def test_speed_draws_the_same_on_a_shorter_axis(preset: str) -> None:
    """So the dispersion of counts is the same at windows a quarter as long."""
    slow = draw(Shape(preset=preset, duration=80, idle_gap="4s@20s"), seed=1)
    fast = draw(Shape(preset=preset, duration=20, idle_gap="4s@20s", speed=4), seed=1)

    assert [at * 4 for at in times(fast)] == pytest.approx(times(slow))


def test_what_cannot_be_drawn_is_told() -> None:
    with pytest.raises(WorkloadError, match="no request at all"):
        draw(Shape(rate=0.0001, duration=1), seed=1)
    with pytest.raises(WorkloadError, match="5000000"):
        draw(Shape(rate=1e9, duration=1), seed=1)


def test_the_origin_says_what_it_is() -> None:
    assert draw(Shape(rate=50), seed=1).origin.startswith("50 req/s, drawn: ")
