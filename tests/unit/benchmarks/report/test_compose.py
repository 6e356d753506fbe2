"""Which tables a record has, and the words around them."""

import pytest

from benchmarks.report.compose import compose, resolution, scope, verdict
from benchmarks.report.record import Check, Record
from tests.fixtures.bench import records


def test_a_comparison_has_its_table_and_says_how_much_was_measured() -> None:
    sheet = compose(records.overhead(rounds=8))

    assert sheet.title == "What the proxy costs"
    assert sheet.scope.startswith("8 rounds x 4 arms, ")
    assert len(sheet.grids) == 1
    assert sheet.sentence.startswith("Through headrace")


def test_an_endpoint_has_latencies_and_outcomes() -> None:
    sheet = compose(records.endpoint())

    assert [grid.title for grid in sheet.grids] == ["latency", "requests"]


def test_a_replay_through_arms_has_both() -> None:
    record = records.overhead(rounds=8)
    record.command = "replay"

    titles = [grid.title for grid in compose(record).grids]

    assert titles == ["", "latency, direct", "latency, headrace", "requests"]


@pytest.mark.parametrize(
    ("command", "title"),
    [
        ("capacity", "search, direct"),
        ("faults", "what became of the requests"),
        ("selftest", "arms whose truth is known"),
    ],
)
def test_every_command_has_tables_of_its_own(command: str, title: str) -> None:
    record = records.overhead(rounds=8)
    record.command = command

    assert title in [grid.title for grid in compose(record).grids]


def test_an_invalid_run_shows_no_figure_but_why() -> None:
    record = records.overhead(rounds=8)
    record.verdict, record.sentence = "invalid", "12 ms."
    record.checks = [Check(name="lag", passed=False, detail="p99 9 ms")]
    sheet = compose(record)

    assert [grid.title for grid in sheet.grids] == ["validity"]
    assert sheet.sentence.startswith("This run is not valid")
    assert sheet.notes == ()


def test_a_failed_selftest_shows_what_it_found() -> None:
    record = records.overhead(rounds=8)
    record.command, record.verdict = "selftest", "invalid"
    record.checks = [Check(name="a delay of 5 ms is found", passed=False)]
    record.figures["client"] = {"ceiling_chunks_per_s": 61000.0}
    sheet = compose(record)

    assert [grid.title for grid in sheet.grids] == [
        "arms whose truth is known",
        "the instrument",
        "validity",
    ]
    assert sheet.sentence.startswith("1 of 1 checks of the instrument failed (a delay")


def test_the_resolution_is_told() -> None:
    told = resolution(records.overhead(rounds=8))

    assert told.startswith("resolution (A/A): ")
    assert told.endswith(" token")


def test_the_verdict_names_what_failed() -> None:
    record = Record(command="run", verdict="invalid", checks=[Check(name="lag", passed=False)])

    assert verdict(record) == "invalid (lag)"
    assert scope(record) == ""


def test_the_sentence_of_the_record_wins() -> None:
    record = records.endpoint()
    record.sentence = "As written."

    assert compose(record).sentence == "As written."
