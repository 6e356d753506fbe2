"""How late tokens were, by open streams and over time."""

import pytest

from benchmarks.load.observed import Observed, Trial
from benchmarks.report.lateness import add_series, by_open_streams, over_time
from benchmarks.report.record import Record

MS = 1_000_000


def stream(index: int, begin_ms: int, tokens: int, late_us: int) -> Observed:
    """Return a stream with a token each ms, each arriving `late_us` after it was written."""
    emitted = [(begin_ms + place) * MS for place in range(1, tokens + 1)]
    return Observed(
        index=index,
        sent_ns=begin_ms * MS,
        ended_ns=emitted[-1] + MS,
        emitted=emitted,
        received=[at + late_us * 1000 for at in emitted],
    )


def test_lateness_is_told_by_how_many_were_open_when_a_token_was_written() -> None:
    alone = [stream(0, 10, 200, 100)]
    crowd = [stream(1 + n, 1000, 100, 900) for n in range(9)]

    columns = by_open_streams([*alone, *crowd])

    assert columns["open_streams"][0] == pytest.approx(1)
    assert columns["open_streams"][-1] == 9
    assert columns["token_p50_us"][0] == 100
    assert columns["token_p50_us"][-1] == 900


def test_too_few_tokens_or_no_stamps_make_no_points() -> None:
    assert by_open_streams([stream(0, 0, 99, 100)]) == {}
    assert by_open_streams([Observed(index=0, sent_ns=1, received=[2] * 500)]) == {}


def test_failed_requests_count_nowhere() -> None:
    failed = stream(0, 0, 500, 100)
    failed.failure = "reset"

    assert by_open_streams([failed]) == {}


def test_each_step_has_the_lateness_of_its_tokens() -> None:
    trial = Trial(
        observed=[stream(0, 0, 100, 100), stream(1, 250, 40, 700)], began_ns=0, wall_ns=300 * MS
    )

    assert over_time(trial, 0.1) == pytest.approx([100, 100, 700], abs=1)
    assert over_time(Trial(observed=[], began_ns=0, wall_ns=1), 0.1) == []


def test_a_step_without_tokens_is_zero() -> None:
    trial = Trial(
        observed=[stream(0, 0, 50, 100), stream(1, 250, 40, 700)], began_ns=0, wall_ns=300 * MS
    )

    assert over_time(trial, 0.1)[1] == 0.0


def test_a_record_gets_both_where_there_is_a_timeline_to_stand_in() -> None:
    crowd = [stream(n, 10 * n, 100, 500) for n in range(8)]
    trial = Trial(observed=crowd, began_ns=0, wall_ns=300 * MS)
    record = Record(command="run")
    record.series["timeline:a"] = {"at_s": [0.0, 0.1, 0.2, 0.3]}

    add_series(record, {"a": trial, "b": trial})

    assert sorted(record.series) == ["streams:a", "streams:b", "timeline:a"]
    assert record.series["timeline:a"]["token_p99_us"] == pytest.approx([500, 500, 0, 0])
