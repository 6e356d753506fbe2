"""ServeGen's client parameters, turned into requests."""

import numpy as np
import pytest

from benchmarks.trace import servegen
from benchmarks.trace.problems import Ledger, TraceError
from benchmarks.trace.servegen import SERVEGEN

HEADER = (
    "pool,window_s,client,rate_rps,iat_cv,iat_dist,param_shape,param_scale,"
    "mean_input_tokens,mean_output_tokens"
)
STEADY = "big,0,1,4,1.0,Gamma,1.0,0.25,300,50"
BURSTY = "big,600,2,2,5.0,Weibull,0.4,9.9,,"


def test_requests_come_at_the_rate_given_in_the_window_given() -> None:
    found = SERVEGEN.read([(1, HEADER), (2, STEADY), (3, BURSTY)], Ledger())
    times = np.array([row.at for row in found.rows])

    assert (times < 600).sum() == pytest.approx(2400, rel=0.1)
    assert (times >= 600).sum() == pytest.approx(1200, rel=0.4)
    assert times.max() < 1200
    assert np.mean([row.input_tokens for row in found.rows]) == pytest.approx(300, rel=0.1)


def test_it_says_that_nothing_was_recorded() -> None:
    found = SERVEGEN.read([(1, HEADER), (2, STEADY), (3, BURSTY)], Ledger())

    assert "not recorded requests" in found.notes[0]
    assert found.notes[1].startswith("1 of them have no mean length")


def test_a_client_is_drawn_the_same_beside_others() -> None:
    alone = SERVEGEN.read([(1, HEADER), (2, STEADY)], Ledger()).rows
    beside = SERVEGEN.read([(1, HEADER), (2, BURSTY), (3, STEADY)], Ledger()).rows

    assert [row for row in beside if row.at < 600] == alone


def test_too_many_requests_are_cut_by_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servegen, "MOST", 2500)
    found = SERVEGEN.read([(1, HEADER), (2, STEADY), (3, BURSTY)], Ledger())

    assert max(row.at for row in found.rows) < 600
    assert "windows from 600 s on left out" in found.notes[-1]


def test_bad_rows_are_told() -> None:
    ledger = Ledger()
    lines = [
        (1, HEADER),
        (2, STEADY.replace("Gamma", "Pareto")),
        (3, STEADY.replace("1.0,0.25", "0,1")),
    ]
    SERVEGEN.read(lines, ledger)

    with pytest.raises(TraceError, match=r"(?s)'Pareto': Gamma or Weibull.*param_shape is 0"):
        ledger.judge("t", "servegen", "")


def test_a_client_without_a_rate_sends_nothing() -> None:
    assert SERVEGEN.read([(1, HEADER), (2, STEADY.replace(",4,", ",0,"))], Ledger()).rows == []
