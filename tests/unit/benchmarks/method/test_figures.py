"""The figures of a block, recomputed by hand from made observations."""

import pytest

from benchmarks.load.observed import Observed, Trial
from benchmarks.measure.host import Cpu
from benchmarks.method.figures import FEWEST_FOR_P99, PAIRED, SUBJECT, figures

MS = 1_000_000
US = 1_000


def request(index: int, **changes: object) -> Observed:
    """One request sent 0.1 ms late; the engine has it at 1 ms, tokens every 10 ms from 21 ms on."""
    at = index * 100 * MS
    emitted = [at + 21 * MS + i * 10 * MS for i in range(4)]
    fields: dict[str, object] = {
        "intended_ns": at,
        "sent_ns": at + MS // 10,
        "taken_ns": at + MS,
        "first_ns": emitted[0] + 200 * US,
        "received": [stamp + 200 * US for stamp in emitted],
        "emitted": emitted,
        "ended_ns": emitted[-1] + 300 * US,
        "chunks": 6,
        "segments": 3,
        "tokens_out": 5,
    }
    return Observed(index=index, **(fields | changes))  # type: ignore[arg-type]


def trial(*observed: Observed, wall_s: float = 2.0) -> Trial:
    return Trial(
        observed=list(observed),
        began_ns=0,
        wall_ns=int(wall_s * 1e9),
        client=Cpu(ran_ns=int(1e9)),
        processes=2,
    )


def test_the_engine_cancels_out_of_the_first_token() -> None:
    found = figures(trial(request(0), request(1)), None)

    assert found["first_token_p50_ms"] == pytest.approx(1.2)
    assert found["request_path_p50_us"] == pytest.approx(1000)
    assert found["token_p50_us"] == pytest.approx(200)


def test_what_users_see_counts_from_the_intended_time() -> None:
    found = figures(trial(request(0)), None)

    assert found["ttft_p50_ms"] == pytest.approx(21.2)
    assert found["itl_p50_ms"] == pytest.approx(10)
    assert found["e2e_p50_ms"] == pytest.approx(51.3)
    assert found["send_lag_p99_ms"] == pytest.approx(0.1)


def test_rates_and_the_client_are_shares_of_the_wall() -> None:
    found = figures(trial(request(0), request(1)), None)

    assert found["tokens_per_s"] == pytest.approx(5)
    assert found["requests_per_s"] == pytest.approx(1)
    assert found["client_cpu_share"] == pytest.approx(0.25)
    assert found["segments_per_chunk"] == pytest.approx(0.5)


def test_cpu_is_divided_by_what_was_done() -> None:
    found = figures(trial(request(0), request(1)), Cpu(ran_ns=4 * MS), rss_kib=2048)

    assert found["cpu_us_per_request"] == pytest.approx(2000)
    assert found["cpu_ms_per_1k_tokens"] == pytest.approx(400)
    assert found["rss_mib"] == 2


def test_direct_has_no_cpu() -> None:
    found = figures(trial(request(0)), None)

    assert [found[name] for name in SUBJECT] == [None] * len(SUBJECT)


def test_a_p99_of_a_few_requests_is_no_figure() -> None:
    few = figures(trial(*map(request, range(FEWEST_FOR_P99 - 1))), None)
    enough = figures(trial(*map(request, range(FEWEST_FOR_P99))), None)

    assert few["ttft_p99_ms"] is None
    assert enough["ttft_p99_ms"] == pytest.approx(21.2)


def test_without_stamps_there_is_no_part_without_the_engine() -> None:
    found = figures(trial(request(0, emitted=[], taken_ns=0)), None)

    assert found["token_p50_us"] is None
    assert found["first_token_p50_ms"] is None
    assert found["ttft_p50_ms"] == pytest.approx(21.2)


def test_failed_and_cancelled_requests_have_no_latency() -> None:
    broken = request(1, failure="closed in the middle", first_ns=900 * MS, ended_ns=999 * MS)
    left = request(2, cancelled=True, ended_ns=10 * MS)

    found = figures(trial(request(0), broken, left), None)

    assert found["e2e_p50_ms"] == pytest.approx(51.3)
    assert found["requests_per_s"] == pytest.approx(0.5)


def test_lost_and_duplicated_tokens_are_counted_for_all() -> None:
    found = figures(trial(request(0, lost=2), request(1, failure="cut", duplicated=1)), None)

    assert (found["lost"], found["duplicated"]) == (2, 1)


def test_an_empty_block_has_no_latency_and_no_rate() -> None:
    found = figures(trial(), Cpu(ran_ns=5))

    assert all(found[name] is None for name in (*PAIRED, "cpu_us_per_request"))
    assert found["requests_per_s"] == 0


def test_tokens_are_counted_by_events_where_the_engine_does_not_say() -> None:
    assert figures(trial(request(0, tokens_out=None)), None)["tokens_per_s"] == 2
