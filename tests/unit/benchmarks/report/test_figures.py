"""Names of figures carry unit, percentile and direction."""

import pytest

from benchmarks.report.figures import Quantity, figure


@pytest.mark.parametrize(
    ("name", "quantity", "base", "percentile"),
    [
        ("token_p50_us", Quantity.TIME, 1e-6, "p50"),
        ("first_token_p99_ms", Quantity.TIME, 1e-3, "p99"),
        ("e2e_p999_ms", Quantity.TIME, 1e-3, "p99.9"),
        ("ttft_mean_ms", Quantity.TIME, 1e-3, "mean"),
        ("cpu_us_per_request", Quantity.TIME, 1e-6, ""),
        ("cpu_ms_per_1k_tokens", Quantity.TIME, 1e-3, ""),
        ("recovered_after_s", Quantity.TIME, 1.0, ""),
        ("tokens_per_s", Quantity.RATE, 1.0, ""),
        ("rss_mib", Quantity.MEMORY, 1.0, ""),
        ("kib_per_stream", Quantity.MEMORY, 1 / 1024, ""),
        ("client_cpu_share", Quantity.SHARE, 1.0, ""),
        ("segments_per_chunk", Quantity.RATIO, 1.0, ""),
        ("in_flight_mean", Quantity.COUNT, 1.0, ""),
        ("lost", Quantity.COUNT, 1.0, ""),
    ],
)
def test_unit_and_percentile_stand_in_the_name(
    name: str, quantity: Quantity, base: float, percentile: str
) -> None:
    meant = figure(name)

    assert (meant.quantity, meant.base, meant.percentile) == (quantity, base, percentile)


def test_a_listed_figure_has_its_words() -> None:
    assert figure("first_token_p50_ms").label == "first token (non-backend) p50"
    assert figure("cpu_ms_per_1k_tokens").label == "CPU per 1 k tokens"


def test_one_nobody_listed_is_told_by_its_own_words() -> None:
    assert figure("time_to_breaker_p99_ms").label == "time to breaker p99"


def test_only_some_are_better_when_higher() -> None:
    assert figure("goodput_share").higher_is_better
    assert not figure("ttft_p50_ms").higher_is_better
