"""Distributions as plots."""

from benchmarks.measure import hdr
from benchmarks.report.plots.distributions import ecdf, shift
from benchmarks.report.record import Arm, Record


def run(count: int = 2000, added: float = 50.0) -> Record:
    base = [100.0 + value for value in range(count)]
    return Record(
        command="overhead",
        arms=[Arm(name="direct", role="direct"), Arm(name="headrace", role="proxy")],
        histograms={
            "direct": {"token": hdr.encode(base)},
            "headrace": {"token": hdr.encode([value + added for value in base])},
        },
    )


def test_the_shift_is_what_was_added_at_every_percentile() -> None:
    (row,) = shift(run()).rows

    assert row[0] == "headrace"
    assert all(45 <= float(text.split()[0]) <= 55 for text in row[1:])


def test_percentiles_without_enough_values_above_them_are_left_out() -> None:
    assert shift(run(2000)).heads[-1] == "p99"
    assert shift(run(150)).heads[-1] == "p90"


def test_without_stamps_it_shows_what_the_user_saw() -> None:
    record = run()
    for found in record.histograms.values():
        found["itl"] = found.pop("token")

    assert "between tokens" in ecdf(record, "k", "token", "itl").title


def test_the_band_of_direct_against_itself_needs_both() -> None:
    record = run()
    assert 'class="band"' not in ecdf(record, "k", "token", "itl").svg

    record.arms.append(Arm(name="again", role="again"))
    record.histograms["again"] = record.histograms["direct"]
    assert 'class="band"' in ecdf(record, "k", "token", "itl").svg
