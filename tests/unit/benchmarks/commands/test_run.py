"""The record of a run, and what stops one."""

import pytest

from benchmarks.commands import run
from benchmarks.commands.attempting import UnmeasurableError
from benchmarks.load.observed import Observed, Trial
from benchmarks.load.planned import Planned, Schedule
from benchmarks.load.workload import Shape
from benchmarks.measure.host import Cpu
from benchmarks.method.experience import Limits
from benchmarks.report.record import Arm
from benchmarks.report.sentence import closing

MS = 1_000_000


def trial(good: int, bad: int = 0, *, late_ms: float = 0.0, busy: float = 0.1) -> Trial:
    """Return `good` answers of 100 ms and `bad` failures, in one second."""
    observed = [
        Observed(
            index=n,
            intended_ns=n * 10 * MS,
            sent_ns=n * 10 * MS + int(late_ms * MS),
            first_ns=n * 10 * MS + 50 * MS,
            received=[n * 10 * MS + 50 * MS, n * 10 * MS + 90 * MS],
            ended_ns=n * 10 * MS + 100 * MS,
            failure="status 503" if n >= good else "",
        )
        for n in range(good + bad)
    ]
    return Trial(observed=observed, began_ns=0, wall_ns=10**9, client=Cpu(ran_ns=int(busy * 1e9)))


def schedule(number: int = 30) -> Schedule:
    requests = tuple(Planned(input_tokens=1, output_tokens=2) for _ in range(number))
    return Schedule(requests=requests, span=1.0, origin="made")


def test_figures_distributions_and_load_over_time() -> None:
    record = run.account(trial(30), schedule(), run.Asked(limits=Limits(ttft=60)))
    assert record.verdict == "valid"
    assert record.workload == "made"
    assert record.figures["endpoint"]["ttft_p50_ms"] == 50
    assert record.figures["endpoint"]["offered_per_s"] == 30
    assert record.figures["endpoint"]["goodput_share"] == 1
    assert {"ttft", "itl", "tpot", "e2e", "send_lag"} <= record.histograms["endpoint"].keys()
    assert sum(record.series["timeline:endpoint"]["arrivals_per_s"]) == pytest.approx(300)


def test_simulated_engines_are_called_that() -> None:
    assert any(
        "simulated" in note for note in run.account(trial(30), schedule(), run.Asked()).notes
    )


def test_failures_are_a_result_and_named() -> None:
    record = run.account(trial(20, 10), schedule(), run.Asked())
    assert record.verdict == "valid"
    assert record.figures["endpoint"]["failed:status 503"] == 10
    assert "10 requests failed" in record.notes[0]


@pytest.mark.parametrize("broken", [trial(30, late_ms=30), trial(30, busy=0.9)])
def test_a_client_that_fell_behind_makes_it_invalid(broken: Trial) -> None:
    assert run.account(broken, schedule(), run.Asked()).verdict == "invalid"


def test_too_few_answers_give_a_sentence_and_no_figure() -> None:
    with pytest.raises(UnmeasurableError, match=r"9 of 9 .* too few .* Send more"):
        run.account(trial(9), schedule(9), run.Asked())
    with pytest.raises(UnmeasurableError, match="What failed: 20 x status 503"):
        run.account(trial(0, 20), schedule(20), run.Asked())


def test_words_that_make_no_load_end_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(run.Options()) == 2
    assert "how much load" in capsys.readouterr().err
    assert run.main(run.Options(shape=Shape(rate=1, arrivals="often"))) == 2
    assert "--arrivals" in capsys.readouterr().err


def test_an_endpoint_that_falls_behind_is_said_to() -> None:
    slow = trial(100)
    for one in slow.observed:
        one.ended_ns += one.intended_ns

    record = run.account(slow, schedule(100), run.Asked())
    record.arms = [Arm(name="endpoint", role="direct")]

    assert record.figures["endpoint"]["served_per_s"] == pytest.approx(50, rel=0.05)
    assert closing(record).startswith(
        "The endpoint did not keep up: 100 requests a second were sent and it could serve about 4"
    )
