"""The closing sentence claims what the intervals allow."""

import msgspec
import pytest

from benchmarks.report.record import Arm, Check, Effect, Record
from benchmarks.report.sentence import closing, listed
from tests.fixtures.bench import records


def run(*effects: tuple[str, float, float, float], verdict: str = "valid") -> Record:
    return Record(
        command="overhead",
        verdict=verdict,
        arms=[Arm(name="direct", role="direct"), Arm(name="headrace", role="proxy")],
        effects=[
            Effect(
                figure=name,
                arm="headrace",
                direct=1.0,
                value=1.0 + added,
                added=added,
                low=low,
                high=high,
                resolution=0.1,
            )
            for name, added, low, high in effects
        ],
    )


FIRST = ("first_token_p50_ms", 0.54, 0.47, 0.61)
TOKEN = ("token_p50_us", 183.0, 160.0, 200.0)


def test_both_waits_in_milliseconds_and_cpu_at_the_rate_of_the_run() -> None:
    record = run(FIRST, TOKEN)
    record.figures = {"headrace": {"cpu_ms_per_1k_tokens": 15.0, "tokens_per_s": 20_000.0}}

    assert closing(record) == (
        "Through headrace a user waits 0.54 ms longer for the first token and 0.18 ms longer for "
        "each token; at the 20,000 tokens a second of this run it uses 0.30 of a core."
    )


def test_what_lies_below_the_resolution_gets_no_figure_of_its_own() -> None:
    told = closing(run(("first_token_p50_ms", 0.02, -0.05, 0.09)))

    assert told == (
        "Through headrace this run sees no difference for the first token "
        "(it would have to be above 0.10 ms)."
    )
    assert "0.02" not in told


def test_one_seen_and_one_not() -> None:
    told = closing(run(FIRST, ("token_p50_us", 3.0, -8.0, 9.0)))

    assert "0.54 ms longer for the first token, and the difference for each token" in told
    assert "is below what this run can see" in told


def test_a_proxy_that_saves_time_is_said_to() -> None:
    assert "0.54 ms less for the first token" in closing(
        run(("first_token_p50_ms", -0.54, -0.6, -0.5))
    )


def test_an_invalid_run_says_why_and_no_figure() -> None:
    record = run(FIRST, verdict="invalid")
    record.checks = [
        Check(name="clock", passed=True),
        Check(name="the client kept up", passed=False, detail="it used 93 % of a CPU"),
    ]

    told = closing(record)

    assert told.startswith("This run is not valid")
    assert "the client kept up: it used 93 % of a CPU" in told
    assert "0.54" not in told


def test_an_unresolved_run_says_so_before_its_figures() -> None:
    record = run(FIRST, verdict="unresolved")
    record.checks = [Check(name="enough rounds", passed=False, detail="4 of 6")]

    assert closing(record).startswith(
        "This run was too short or too noisy for a firm answer (enough rounds: 4 of 6). Through"
    )


def test_an_endpoint_is_told_by_its_users() -> None:
    told = closing(records.endpoint({"ttft_p50_ms": 110.0, "ttft_p99_ms": 190.0}))

    assert "half of the users had their first token within 110 ms and 99 of 100 within 190" in told
    assert "3 requests failed" in told


@pytest.mark.parametrize(
    ("command", "figures", "words"),
    [
        ("capacity", {"capacity_rate_low": 940.0, "capacity_rate_high": 985.0}, "940 requests"),
        ("capacity", {"capacity_streams_low": 4100.0}, "4,100 open streams (the most tried)"),
        (
            "faults",
            {"failures": 2.0, "recovered_after_s": 3.0},
            "2 requests failed and all was well again after 3.0 s (headrace)",
        ),
    ],
)
def test_other_commands_have_theirs(command: str, figures: dict[str, float], words: str) -> None:
    record = run()
    record.command, record.figures = command, {"headrace": dict(figures)}

    assert words in closing(record)


def test_a_selftest_counts_its_checks() -> None:
    passed = Check(name="a", passed=True)
    failed = Check(name="b", passed=False)

    assert closing(Record(command="selftest", checks=[passed])).startswith("All 1 checks")
    assert closing(Record(command="selftest", checks=[passed, failed])).startswith(
        "1 of 2 checks of the instrument failed (b)"
    )


def test_nothing_measured_is_said() -> None:
    assert "measured nothing" in closing(Record(command="overhead"))


def test_a_sentence_of_many_arms_names_each() -> None:
    record = records.overhead(["headrace", "nginx"], rounds=8)

    assert closing(record).count("Through ") == 2


def test_words_are_joined_as_people_do() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert msgspec.json.encode(listed([])) == b'""'
