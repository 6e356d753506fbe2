"""An endpoint's load over time; what else a portrait holds is shown by the command `run`."""

import pytest

from benchmarks.load.observed import Observed, Trial
from benchmarks.method.portrait import complaint, loaded

S = 1_000_000_000


def request(sent: float, ended: float) -> Observed:
    return Observed(
        index=0, intended_ns=int(sent * S), sent_ns=int(sent * S), ended_ns=int(ended * S)
    )


def trial(*observed: Observed) -> Trial:
    return Trial(observed=list(observed), began_ns=0, wall_ns=S)


def test_open_requests_are_a_mean_over_the_step() -> None:
    columns = loaded(trial(request(0.0, 1.0), request(0.5, 1.25)), step=0.5)
    assert columns["at_s"] == [0.0, 0.5, 1.0]
    assert columns["open_streams"] == pytest.approx([1.0, 2.0, 0.5])
    assert columns["arrivals_per_s"] == [2.0, 2.0, 0.0]


def test_enough_answers_are_nothing_to_complain_of() -> None:
    assert complaint(trial(*[request(0.0, 0.5)] * 10)) == ""
    few = complaint(trial(request(0.0, 0.5)))
    assert "1 of 1 requests" in few
    assert "--span" in few


def test_lateness_is_told_where_there_are_stamps() -> None:
    late = request(0.0, 1.0)
    late.emitted, late.received = [S // 10, S], [S // 10 + 2_000_000, S + 7_000_000]

    assert "token_p99_us" not in loaded(trial(request(0.0, 1.0)), step=0.5)
    assert loaded(trial(late), step=0.5)["token_p99_us"] == [2000.0, 0, 7000.0]
