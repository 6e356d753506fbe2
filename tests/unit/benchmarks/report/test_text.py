"""The price report as text."""

from benchmarks.report.result import Result
from benchmarks.report.text import closing, price_report, table


def run() -> Result:
    result = Result(arms=["direct", "nginx", "headrace"], facts={"cores": "2"})
    for metric, nginx, headrace in [
        ("chunk.cpu", [10.0, 20.0, 10.0], [12.0, 24.0, 12.0]),
        ("small.cpu", [20.0, 20.0, 20.0], [40.0, 40.0, 40.0]),
        ("solo.p50", [0.3, 0.3, 0.3], [0.25, 0.25, 0.25]),
    ]:
        result.record(metric, "nginx", nginx)
        result.record(metric, "headrace", headrace)
        direct = [0.2] * 3 if metric == "solo.p50" else [None] * 3
        result.record(metric, "direct", direct)
    return result


def test_columns_line_up() -> None:
    assert (
        table(["a", "n"], [["long name", "1"], ["b", "10"]])
        == "a           n\nlong name   1\nb          10"
    )


def test_each_figure_has_spread_count_and_paired_ratio() -> None:
    lines = price_report(run(), "headrace").splitlines()

    chunk = next(line for line in lines if line.startswith("  headrace"))
    assert chunk.split() == [
        "headrace",
        "12.0",
        "[12.0",
        "..",
        "18.0]",
        "3",
        "1.20",
        "[1.20",
        "..",
        "1.20]",
    ]


def test_bars_are_judged_for_the_subject() -> None:
    report = price_report(run(), "headrace")

    assert "bar for headrace: <= 1.25 x nginx: met" in report
    assert "bar for headrace: <= 1.5 x nginx: MISSED" in report


def test_what_is_added_is_not_shown_for_direct() -> None:
    report = price_report(run(), "headrace")
    group = report[report.index("added to each chunk at 1 stream, median") :]

    assert "direct" not in group.split("\n\n")[0]
    assert "0.050" in group


def test_rows_without_any_figure_are_left_out() -> None:
    assert "memory" not in price_report(run(), "headrace")


def test_notes_stand_below_the_table() -> None:
    result = run()
    result.notes.append("left out: Envoy is not installed")

    assert "note: left out: Envoy is not installed" in price_report(result, "headrace")


def test_the_last_sentence_says_it_in_words() -> None:
    assert closing(run(), "headrace") == (
        "Through headrace a streamed chunk costs 12.0 us of CPU (1.20 x nginx), a small request "
        "40.0 us (2.00 x nginx): one core carries about 83,333 chunks a second and a user waits "
        "0.05 ms longer for each."
    )
    assert not closing(Result(), "headrace")
