"""The record of broken backends, from scenes made by hand."""

from pathlib import Path

import pytest

from benchmarks.commands import faults
from benchmarks.commands.attempting import UnmeasurableError
from benchmarks.commands.faults import Scene
from benchmarks.driver import arms as recipes
from benchmarks.load.observed import Observed, Trial
from benchmarks.load.planned import Schedule
from benchmarks.method.breaking import Breakage
from benchmarks.method.reaction import Incident

S = 1_000_000_000


def scene(*observed: Observed) -> Scene:
    return Scene(
        via="headrace",
        how=Breakage.KILL,
        trial=Trial(observed=list(observed), began_ns=5 * S, wall_ns=10 * S),
        incident=Incident(engine="a", broke_ns=8 * S, healed_ns=12 * S),
        figures={"failures": 1.0},
    )


def test_the_record_has_figures_a_timeline_and_the_events() -> None:
    late = Observed(index=0, failure="reset", ended_ns=9 * S)
    record = faults.account([scene(late)], Schedule(requests=(), span=1.0), faults.Options())
    assert record.verdict == "valid"
    assert record.figures == {"headrace, kill": {"failures": 1.0}}
    assert sum(record.series["failover:headrace, kill"]["failed"]) == 1
    assert record.series["events"] == {"broken": [3.0], "whole again": [7.0]}


def test_failures_before_the_fault_make_it_invalid() -> None:
    early = Observed(index=0, failure="reset", ended_ns=7 * S)
    record = faults.account([scene(early)], Schedule(requests=(), span=1.0), faults.Options())
    assert record.verdict == "invalid"
    assert "1 requests failed before it: reset" in record.checks[0].detail


def test_headrace_has_an_admin_port_that_is_known() -> None:
    words = faults.plan_of("headrace", 21_001).command(21_000, [21_002], Path())
    assert "127.0.0.1:21001" in words


def test_a_proxy_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        recipes, "find", lambda _: recipes.Found(plans=(), skipped=("nginx is not installed",))
    )
    with pytest.raises(UnmeasurableError, match="not installed"):
        faults.plan_of("nginx", 1)
    monkeypatch.setattr(recipes, "find", lambda _: recipes.Found(plans=(), skipped=()))
    with pytest.raises(UnmeasurableError, match="squid is no proxy"):
        faults.plan_of("squid", 1)
