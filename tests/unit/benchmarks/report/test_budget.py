"""Budgets: read, held against intervals, and turned into exit codes."""

import pytest

from benchmarks.report.budget import BudgetError, Limit, Outcome, judged, parse, rulings
from benchmarks.report.record import Arm, Block, Effect, Record
from tests.fixtures.bench import records


def run(added: float, low: float, high: float) -> Record:
    return Record(
        command="overhead",
        arms=[Arm(name="direct", role="direct"), Arm(name="headrace", role="proxy")],
        effects=[
            Effect(
                figure="token_p99_us",
                arm="headrace",
                direct=300.0,
                value=300.0 + added,
                added=added,
                low=low,
                high=high,
            )
        ],
    )


def test_limits_are_read_in_base_units() -> None:
    assert parse("ttft.p99=2ms, token.p99=500us,rss=64MiB,lost=0") == (
        Limit(word="ttft.p99", most=2e-3),
        Limit(word="token.p99", most=5e-4),
        Limit(word="rss", most=64.0),
        Limit(word="lost", most=0.0),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ttft.p99", "must read NAME=LIMIT, such as ttft.p99=2ms"),
        ("", "must read NAME=LIMIT"),
        ("ttf.p99=2ms", "unknown; can be limited: cpu_per_1k"),
        ("ttft.p99=2", r"needs a number with a unit \(ms, us, s\), such as ttft.p99=2ms"),
        ("ttft.p99=2MiB", "needs a number with a unit"),
        ("ttft.p99=-2ms", "needs a number with a unit"),
        ("rss=2ms", r"\(MiB, KiB, GiB\)"),
        ("lost=2ms", r"\(no unit\)"),
        ("lost=0,lost=1", "given twice"),
    ],
)
def test_what_cannot_be_read_says_what_is_allowed(text: str, words: str) -> None:
    with pytest.raises(BudgetError, match=words):
        parse(text)


@pytest.mark.parametrize(
    ("interval", "outcome", "code"),
    [
        ((400.0, 300.0, 480.0), Outcome.KEPT, 0),
        ((520.0, 480.0, 560.0), Outcome.UNDECIDED, 0),
        ((480.0, 400.0, 560.0), Outcome.UNDECIDED, 0),
        ((600.0, 501.0, 700.0), Outcome.BROKEN, 3),
    ],
)
def test_a_budget_is_broken_only_beyond_doubt(
    interval: tuple[float, float, float], outcome: Outcome, code: int
) -> None:
    record = run(*interval)

    assert rulings(record, parse("token.p99=500us"))[0].outcome is outcome
    assert judged(record, "token.p99=500us")[1] == code


def test_the_line_tells_limit_figure_interval_and_outcome() -> None:
    lines, _ = judged(run(400.0, 300.0, 480.0), "token.p99=500us")

    assert lines == ["budget token.p99 <= 500 us, headrace: 400 us [300, 480]: kept"]


def test_an_invalid_run_is_not_judged() -> None:
    record = run(400.0, 300.0, 480.0)
    record.verdict = "invalid"

    assert judged(record, "token.p99=500us") == (
        ["budget not judged: the run is not valid"],
        4,
    )


def test_what_was_not_measured_cannot_be_kept() -> None:
    lines, code = judged(run(1.0, 0.0, 2.0), "cpu_per_1k=30ms")

    assert code == 4
    assert "did not measure it for headrace" in lines[0]


def test_every_proxy_is_held_against_it() -> None:
    lines, code = judged(records.overhead(["headrace", "litellm"], rounds=8), "cpu_per_1k=30ms")

    assert [line.rpartition(": ")[2] for line in lines] == ["kept", "broken"]
    assert code == 3


def test_an_endpoint_is_held_against_what_its_users_saw() -> None:
    record = records.endpoint({"ttft_p99_ms": 190.0})

    assert judged(record, "ttft.p99=200ms")[1] == 0
    assert judged(record, "ttft.p99=150ms")[1] == 3


def test_one_block_that_lost_tokens_breaks_it_whatever_the_median() -> None:
    record = run(1.0, 0.0, 2.0)
    record.blocks = [
        Block(round=turn, arm="headrace", figures={"lost": 2.0 if turn == 3 else 0.0})
        for turn in range(8)
    ]
    record.figures = {"headrace": {"lost": 0.0}}

    assert judged(record, "lost=0")[1] == 3
