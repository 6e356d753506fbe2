"""A comparison as a sheet, and its budget."""

import pytest

from benchmarks.report.budget import BudgetError
from benchmarks.report.compared import comparison, worsened
from benchmarks.report.record import Record
from tests.fixtures.bench import records


def dearer() -> tuple[Record, Record]:
    before, after = records.overhead(rounds=12), records.overhead(rounds=12, seed=2)
    for block in after.blocks:
        cpu = block.figures.get("cpu_ms_per_1k_tokens")
        if cpu is not None and block.arm == "headrace":
            block.figures["cpu_ms_per_1k_tokens"] = cpu + 5.0
    return before, after


def test_the_sheet_says_what_got_worse() -> None:
    sheet = comparison(*dearer())
    rows = {row[0].text: row for row in sheet.grids[0].rows}

    assert rows["CPU per 1 k tokens"][-1].text == "worse"
    assert rows["CPU per 1 k tokens, times the floor's"][-1].text == "worse"
    assert "CPU per 1 k tokens (headrace)" in sheet.sentence
    assert sheet.sentence.startswith("The second run is worse in ")


def test_without_any_change_it_says_so() -> None:
    record = records.endpoint()

    assert comparison(record, record).sentence == (
        "The second run cannot be told from the first in any figure."
    )


def test_an_invalid_run_proves_nothing() -> None:
    before, after = dearer()
    after.verdict = "invalid"

    assert "proves nothing" in comparison(before, after).sentence
    assert worsened(before, after, "cpu_per_1k=1ms")[1] == 4


@pytest.mark.parametrize(
    ("budget", "code", "word"),
    [
        ("cpu_per_1k=1ms", 3, "broken"),
        ("cpu_per_1k=9ms", 0, "kept"),
        ("cpu_per_1k=5ms", 0, "cannot tell"),
        ("e2e.p50=1ms", 4, "not measured in both runs"),
    ],
)
def test_a_budget_limits_the_change(budget: str, code: int, word: str) -> None:
    lines, found = worsened(*dearer(), budget)

    assert found == code
    assert lines[0].endswith(word)


def test_without_rounds_a_budget_cannot_be_judged() -> None:
    lines, code = worsened(records.endpoint(), records.endpoint(), "ttft.p50=1ms")

    assert code == 4
    assert lines[0].endswith("too few rounds to tell")


def test_a_budget_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(BudgetError):
        worsened(*dearer(), "nonsense")
