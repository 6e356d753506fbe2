"""One probe: kept, missed, in doubt, or more than the instrument can do."""

from collections.abc import Sequence

import pytest

from benchmarks.method.figures import Figures
from benchmarks.method.probing import at_its_limit, judged, unmeasured
from benchmarks.method.search import Outcome
from benchmarks.report.record import Block

LIMITS = {"token_p99_us": 1000.0}


def rows(
    arm: str, values: Sequence[float | None], more: Figures | None = None, *, failures: int = 0
) -> list[Block]:
    made = []
    for turn, value in enumerate(values, start=1):
        figures: Figures = {"token_p99_us": value, **(more or {})}
        made.append(Block(round=turn, arm=arm, requests=50, failures=failures, figures=figures))
    return made


def probe(*values: float | None) -> list[Block]:
    return rows("direct", [500.0] * len(values)) + rows("mine", list(values))


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([900.0] * 6, Outcome.KEPT),
        ([1900.0] * 6, Outcome.MISSED),
        ([900.0, 2900.0] * 4, Outcome.UNDECIDED),
        ([900.0] * 5, Outcome.UNDECIDED),
    ],
)
def test_a_limit_is_judged_by_the_whole_interval(values: list[float], outcome: Outcome) -> None:
    assert judged(probe(*values), "mine", LIMITS).outcome is outcome


def test_one_missed_limit_is_enough() -> None:
    blocks = [
        row
        for arm, first in (("direct", 1.0), ("mine", 9.0))
        for row in rows(arm, [500.0] * 6, {"first_token_p99_ms": first})
    ]

    found = judged(blocks, "mine", LIMITS | {"first_token_p99_ms": 2.0})

    assert found.outcome is Outcome.MISSED
    assert found.added == {"token_p99_us": 0, "first_token_p99_ms": 8}


def test_requests_that_fail_only_through_the_proxy_miss() -> None:
    blocks = rows("direct", [500.0] * 6) + rows("mine", [500.0] * 6, failures=5)

    found = judged(blocks, "mine", LIMITS)

    assert found.outcome is Outcome.MISSED
    assert found.why == "10% of the requests failed"


def test_what_fails_without_a_proxy_is_not_charged_to_it() -> None:
    assert "without a proxy, too" in at_its_limit(rows("direct", [1.0] * 6, failures=5))


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"client_cpu_share": 0.9}, "busy"),
        ({"send_lag_p99_ms": 50.0}, "late"),
        ({"client_cpu_share": 0.2, "send_lag_p99_ms": 0.2}, ""),
    ],
)
def test_the_client_knows_its_own_limit(more: Figures, word: str) -> None:
    found = at_its_limit(rows("direct", [1.0] * 6, more))

    assert (word in found) if word else not found


def test_a_limit_nobody_can_measure_is_told() -> None:
    assert "raise --block" in unmeasured(rows("direct", [None, None]), LIMITS)
    assert unmeasured(probe(None, None), LIMITS) == ""  # all failed through the proxy: a miss
    assert unmeasured([], LIMITS) == ""
