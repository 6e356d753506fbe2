"""Counting clients that left."""

import msgspec

from benchmarks.report.cancel import Outcome, cancel_report, encoded


def test_times_run_from_the_close_to_the_abort() -> None:
    outcome = Outcome(phase="prefill")

    outcome.settle({"a": 1_000_000, "b": 5_000_000}, {"a": 3_000_000, "b": 5_500_000})

    assert (outcome.n, outcome.missed, outcome.late_ms) == (2, 0, [2.0, 0.5])
    assert outcome.met


def test_a_request_without_an_abort_is_missed() -> None:
    outcome = Outcome(phase="prefill")

    outcome.settle({"a": 1, "b": 1}, {"a": 0})

    assert outcome.missed == 2
    assert not outcome.met


def test_a_queued_request_is_missed_when_it_reached_the_engine() -> None:
    outcome = Outcome(phase="queued", queued=True)

    outcome.settle({"a": 1, "b": 1}, {"b": 0})

    assert (outcome.n, outcome.missed, outcome.late_ms) == (2, 1, [])


def test_late_aborts_miss_the_bar() -> None:
    assert not Outcome(phase="prefill", n=1, late_ms=[21.0]).met
    assert Outcome(phase="prefill", n=1, late_ms=[20.0]).met


def test_batches_add_up() -> None:
    total = Outcome(phase="prefill", n=1, missed=1, late_ms=[1.0])

    total.merge(Outcome(phase="prefill", n=2, invalid=1, late_ms=[2.0, 3.0]))

    assert (total.n, total.missed, total.invalid, total.late_ms) == (3, 1, 1, [1.0, 2.0, 3.0])


def test_the_report_has_a_line_for_each_phase_and_a_sentence() -> None:
    outcomes = [
        Outcome(phase="queued", queued=True, n=2),
        Outcome(phase="prefill", n=2, invalid=1, late_ms=[1.0, 3.0]),
    ]

    report = cancel_report(outcomes, "headrace")

    assert "queued" in report
    assert "never sent" in report
    assert "note: prefill: 1 answers ended before their client left" in report
    assert report.endswith(
        "4 clients left, 0 of them unnoticed; the engine was free after 2.0 ms at the median and "
        "3.0 ms at p99."
    )


def test_a_run_is_written_with_its_samples() -> None:
    document = msgspec.json.decode(encoded([Outcome(phase="prefill", late_ms=[1.5])], {"a": "b"}))

    assert document["phases"][0]["late_ms"] == [1.5]
