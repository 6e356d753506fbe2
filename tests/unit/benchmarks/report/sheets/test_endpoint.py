"""The tables of an endpoint by itself."""

from benchmarks.measure import hdr
from benchmarks.report.record import Arm, Record
from benchmarks.report.sheet import Grid, Tone
from benchmarks.report.sheets.endpoint import latency, outcomes
from tests.fixtures.bench import records


def rows(grid: Grid | None) -> dict[str, list[str]]:
    assert grid is not None
    return {row[0].text.strip(): [one.text for one in row[1:]] for row in grid.rows}


def test_percentiles_come_from_every_value_where_they_were_kept() -> None:
    record = Record(
        command="run",
        arms=[Arm(name="endpoint", role="direct")],
        figures={"endpoint": {"ttft_p50_ms": 1.0, "tpot_p50_ms": 12.1}},
        histograms={"endpoint": {"ttft": hdr.encode([v * 1000.0 for v in range(1, 101)])}},
    )
    found = rows(latency(record, "endpoint", titled=False))

    assert found["time to first token (TTFT)"] == ["50 ms", "90 ms", "99 ms", "-", "100 ms"]
    assert found["per output token (TPOT)"] == ["12.1 ms", "-", "-", "-", "-"]


def test_the_tail_of_few_values_is_not_printed_and_the_table_says_so() -> None:
    grid = latency(records.endpoint(), "direct", titled=True)

    assert grid is not None
    assert grid.title == "latency, direct"
    assert grid.notes == ("p99.9 only from 10,000 values on",)


def test_failures_stand_by_kind_below_their_sum() -> None:
    grid = outcomes(records.endpoint(), ["direct"])

    assert grid is not None
    labels = [row[0].text.strip() for row in grid.rows]
    assert labels[1:4] == ["requests failed", "connection reset", "HTTP 503"]
    assert grid.rows[2][1].tone is Tone.BAD


def test_rate_goodput_and_the_client_are_told() -> None:
    found = rows(outcomes(records.endpoint(), ["direct"]))

    assert found["share within the limits"] == ["94.0 %"]
    assert found["requests asked for"] == ["23.0 /s"]
    assert "the client's own CPU" in found


def test_nothing_measured_gives_no_table() -> None:
    empty = Record(command="run")

    assert latency(empty, "x", titled=False) is None
    assert outcomes(empty, ["x"]) is None
