"""What users got: the figures vLLM's bench knows, from requests made by hand."""

import pytest

from benchmarks.load.observed import Observed, Trial
from benchmarks.method.experience import Limits, experience

MS = 1_000_000


def answer(
    index: int = 0, *, first: int = 100, gap: int = 10, events: int = 11, **changes: object
) -> Observed:
    """Return a request sent at 1000 ms whose tokens came `gap` ms apart."""
    sent = 1000 * MS
    received = [sent + (first + gap * n) * MS for n in range(events)]
    fields: dict[str, object] = {
        "index": index,
        "intended_ns": sent,
        "sent_ns": sent,
        "first_ns": received[0],
        "received": received,
        "ended_ns": received[-1] + MS,
        "status": 200,
        "tokens_in": 50,
    }
    return Observed(**{**fields, **changes})  # type: ignore[arg-type]  # the fields are checked there


def trial(*observed: Observed, seconds: float = 2.0) -> Trial:
    return Trial(observed=list(observed), began_ns=0, wall_ns=int(seconds * 1e9))


def test_the_four_times_of_a_stream() -> None:
    found = experience(trial(answer()), Limits())
    assert found["ttft_mean_ms"] == found["ttft_p50_ms"] == 100
    assert found["tpot_mean_ms"] == 10
    assert found["itl_p50_ms"] == 10
    assert found["e2e_p50_ms"] == 201


def test_tokens_count_where_an_event_holds_several() -> None:
    found = experience(trial(answer(tokens_out=21)), Limits())
    assert found["tpot_p50_ms"] == 5
    assert found["itl_p50_ms"] == 10
    assert found["tokens_per_s"] == 21 / 2


def test_waits_count_from_the_intended_time() -> None:
    late = answer(intended_ns=990 * MS)
    assert experience(trial(late), Limits())["ttft_p50_ms"] == 110


def test_no_percentile_of_too_few() -> None:
    assert experience(trial(answer()), Limits())["ttft_p99_ms"] is None
    many = trial(*(answer(i) for i in range(40)))
    assert experience(many, Limits())["ttft_p99_ms"] == pytest.approx(100)


def test_throughput_counts_complete_requests() -> None:
    broken = answer(1, failure="reset", received=[], first_ns=0)
    found = experience(trial(answer(), broken), Limits())
    assert found["requests_per_s"] == 0.5
    assert found["failures"] == 1
    assert found["tokens_in_per_s"] == 25


def test_requests_cancelled_as_planned_are_no_failures() -> None:
    found = experience(trial(answer(), answer(1, cancelled=True)), Limits(ttft=200))
    assert found["failures"] == 0
    assert found["cancelled"] == 1
    assert found["goodput_share"] == 1


def test_in_flight_is_time_spent_over_time_passed() -> None:
    assert experience(trial(answer(), answer(1)), Limits())["in_flight_mean"] == pytest.approx(
        0.201
    )


@pytest.mark.parametrize(
    ("limits", "good"),
    [
        (Limits(ttft=100), 1),
        (Limits(ttft=99), 0),
        (Limits(tpot=10, e2e=201), 1),
        (Limits(e2e=200), 0),
        (Limits(itl=9), 0),
    ],
)
def test_goodput_is_the_share_within_every_limit(limits: Limits, good: int) -> None:
    found = experience(trial(answer()), limits)
    assert found["goodput_share"] == good
    assert found["goodput_per_s"] == good / 2


def test_a_failed_request_is_not_good_whatever_the_limits() -> None:
    found = experience(trial(answer(), answer(1, failure="reset")), Limits(e2e=1e6))
    assert found["goodput_share"] == 0.5
    assert found["goodput_low_share"] == pytest.approx(0.0945, abs=1e-3)
    assert found["goodput_high_share"] == pytest.approx(0.9055, abs=1e-3)


def test_without_limits_there_is_no_goodput() -> None:
    assert "goodput_share" not in experience(trial(answer()), Limits())


def test_an_answer_of_one_token_has_no_time_per_token() -> None:
    found = experience(trial(answer(events=1)), Limits(tpot=1000))
    assert found["tpot_mean_ms"] is None
    assert found["goodput_share"] == 0
