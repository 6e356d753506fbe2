"""The report as Markdown."""

from benchmarks.report.markdown import as_markdown
from tests.fixtures.bench import records


def test_it_begins_with_the_sentence_and_ends_with_the_command() -> None:
    lines = as_markdown(records.overhead(rounds=8)).splitlines()

    assert lines[0] == "## What the proxy costs"
    assert lines[2].startswith("**Through headrace")
    assert lines[-2].startswith("headrace bench overhead")


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    rows = [
        line for line in as_markdown(records.overhead(rounds=8)).splitlines() if line[:1] == "|"
    ]

    assert len(rows) > 5
    assert len({row.count("|") for row in rows}) == 1


def test_names_cannot_break_the_table() -> None:
    record = records.endpoint({"failed:a|b*<c>": 1.0})

    assert "a\\|b\\*&lt;c>" in as_markdown(record)
