"""Traces as schedules."""

import pytest

from benchmarks.trace.problems import TraceError
from benchmarks.trace.replay import Replay, schedule, sent
from benchmarks.trace.rows import Row, Trace


def trace(*rows: Row, **more: object) -> Trace:
    return Trace(rows=rows, format="csv", name="t", **more)  # type: ignore[arg-type]


def row(at: float, size: int = 100, answer: int = 10) -> Row:
    return Row(at=at, input_tokens=size, output_tokens=answer)


def test_speed_divides_times_and_keeps_the_silence_at_the_beginning() -> None:
    found = schedule(trace(row(44), row(46)), Replay(speed=4))

    assert [one.at for one in found.requests] == [11, 11.5]
    assert found.span == 11.5
    assert (
        found.origin == "replay of t (csv) at speed 4: 2 requests in 11.5s, 2 in the busiest second"
    )


def test_a_part_of_it() -> None:
    whole = trace(row(1), row(5), row(6), row(9))
    found = schedule(whole, Replay(start=4, span=4, speed=2))

    assert [one.at for one in found.requests] == [0.5, 1.0]
    assert found.span == 2
    assert len(schedule(whole, Replay(limit=3)).requests) == 3


def test_rows_of_a_coarse_clock_are_spread_and_it_is_said() -> None:
    coarse = trace(*(row(3.0 * (number // 5)) for number in range(50)))
    spread = schedule(coarse, Replay(), seed=1)

    assert "3 s clock steps spread at random" in spread.origin
    assert len({one.at for one in spread.requests}) == 50
    assert [one.at // 3 for one in spread.requests] == [number // 5 for number in range(50)]
    assert schedule(coarse, Replay(), seed=1) == spread
    assert schedule(coarse, Replay(), seed=2) != spread
    assert len({one.at for one in schedule(coarse, Replay(spread=0)).requests}) == 10


def test_full_blocks_only_are_shared() -> None:
    asked = Row(at=0, input_tokens=1100, output_tokens=5, prefix=(4, 5, 6))
    found = schedule(trace(asked), Replay())

    assert found.requests[0].prefix == (4, 5)
    assert found.prefix_block == 512


@pytest.mark.parametrize(
    ("size", "answer", "expected"),
    [
        (100, 10, (100, 10)),
        (990, 20, (980, 20)),
        (900, 900, (750, 250)),
        (5000, 10, (990, 10)),
        (5000, 900, (750, 250)),
    ],
)
def test_what_does_not_fit_an_engine_is_cut(
    size: int, answer: int, expected: tuple[int, int]
) -> None:
    one = schedule(trace(row(0, size, answer)), Replay(context=1000)).requests[0]

    assert (one.input_tokens, one.output_tokens) == expected


def test_sessions_keep_their_order_and_their_thinking_is_sped() -> None:
    turns = [
        Row(at=at, input_tokens=1, output_tokens=1, session=2, turn=turn, think=6.0 * turn)
        for turn, at in enumerate((1.0, 9.0))
    ]
    found = schedule(trace(*turns), Replay(speed=3)).requests

    assert [(one.session, one.turn, one.think) for one in found] == [(2, 0, 0), (2, 1, 2)]


def test_what_leaves_nothing_to_send_is_told() -> None:
    with pytest.raises(TraceError, match="no row in the part"):
        schedule(trace(row(1)), Replay(start=5))
    with pytest.raises(TraceError, match="--speed: 0"):
        sent(trace(row(1)), Replay(speed=0))


def test_cut_requests_are_counted() -> None:
    found = schedule(trace(row(0, 5000), row(1)), Replay(context=1000))

    assert found.origin.endswith("1 cut to fit 1000 tokens")
