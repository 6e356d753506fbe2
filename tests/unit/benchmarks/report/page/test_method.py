"""The methods paragraphs fit the run."""

from benchmarks.report.page.method import method
from tests.fixtures.bench import records


def test_a_comparison_tells_of_pairs_floor_and_resolution() -> None:
    told = " ".join(method(records.overhead(rounds=8)))

    assert "bootstrap" in told
    assert "plain TCP relay" in told
    assert "below the resolution" in told
    assert "positive control" not in told


def test_an_endpoint_claims_none_of_it() -> None:
    told = " ".join(method(records.endpoint()))

    assert "bootstrap" not in told
    assert "intended time" in told
