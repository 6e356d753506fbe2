"""The tables of capacity, faults, fairness and the self-test."""

import msgspec

from benchmarks.report.record import Arm, Check, Effect, Record
from benchmarks.report.sheet import Grid, Tone
from benchmarks.report.sheets.trials import bracket, checks, control, plain, search, shares

ARMS = [Arm(name="direct", role="direct"), Arm(name="headrace", role="proxy")]


def rows(grid: Grid | None) -> list[list[str]]:
    assert grid is not None
    return [[one.text for one in row] for row in grid.rows]


def test_capacity_is_a_bracket_or_a_lower_bound_or_unknown() -> None:
    record = Record(command="capacity", arms=ARMS)
    record.figures = {"headrace": {"capacity_rate_low": 940.0, "capacity_rate_high": 985.0}}
    assert rows(bracket(record)) == [["requests per second", "-", "940 .. 985"]]

    record.figures = {"headrace": {"capacity_streams_low": 4100.0}}
    assert rows(bracket(record)) == [["open streams", "-", "at least 4,100"]]

    record.figures = {}
    assert bracket(record) is None


def test_each_step_of_a_search_has_its_verdict() -> None:
    record = Record(command="capacity", arms=ARMS)
    record.series = {
        "search:headrace": {
            "rate": [100.0, 200.0, 150.0],
            "verdict": [1.0, -1.0, 0.0],
            "token_p99_ms": [0.5, 4.0, 1.0],
        }
    }

    assert rows(search(record, "headrace")) == [
        ["100", "0.50 ms", "kept"],
        ["200", "4.00 ms", "missed"],
        ["150", "1.00 ms", "cannot tell"],
    ]
    assert search(record, "direct") is None


def test_faults_show_every_figure_by_its_words() -> None:
    record = Record(command="faults", arms=ARMS)
    record.figures = {"headrace": {"failures": 2.0, "recovered_after_s": 3.25, "failed:reset": 2.0}}

    assert rows(plain(record, "t")) == [
        ["requests failed", "2"],
        ["all well again after", "3.25 s"],
        ["  reset", "2"],
    ]


def test_shares_stand_beside_what_the_weights_ask_for() -> None:
    record = Record(command="fairness")
    record.figures = {
        "work": {"share:a": 0.7, "want:a": 0.67, "share:b": 0.3, "want:b": 0.33},
        "random": {"share:a": 0.5},
    }
    grid = shares(record)

    assert rows(grid) == [["a", "70.0 %", "50.0 %"], ["b", "30.0 %", "-"]]
    assert grid is not None
    assert grid.rows[0][1].under == "of 67.0 %"


def test_direct_against_itself_holds_zero_and_the_delay_does_not() -> None:
    record = Record(command="selftest")
    record.arms = [Arm(name="again", role="again"), Arm(name="delay", role="delay")]
    record.effects = [
        Effect(
            figure="token_p50_us",
            arm=arm,
            direct=130.0,
            value=1.0,
            added=added,
            low=added - 10,
            high=added + 10,
        )
        for arm, added in (("again", 3.0), ("delay", 500.0))
    ]

    assert [row[-1] for row in rows(control(record))] == ["holds zero", "differs from zero"]
    near = {"added": 15.0, "low": 5.0, "high": 25.0, "resolution": 25.0}
    record.effects[0] = msgspec.structs.replace(record.effects[0], **near)
    assert rows(control(record))[0][-1] == "leaves zero out, by less than counts as seen"


def test_checks_are_told_with_what_was_found() -> None:
    record = Record(
        command="run",
        checks=[
            Check(name="lag", passed=True, detail="0.4 ms"),
            Check(name="clock", passed=False),
        ],
    )
    grid = checks(record)

    assert rows(grid) == [["lag", "0.4 ms", "yes"], ["clock", "", "NO"]]
    assert grid is not None
    assert grid.rows[1][2].tone is Tone.BAD
    assert checks(Record(command="run")) is None
