"""The gate on CPU: ratios by round, and when it closes."""

from pathlib import Path

import pytest

from benchmarks.commands import ci
from benchmarks.commands.attempting import UnmeasurableError
from benchmarks.method.lanes import AGAIN, PROXY, Lane
from benchmarks.method.rounds import Played
from benchmarks.report.record import Arm, Block

ROUNDS = 8


def lane(name: str, role: str = PROXY) -> Lane:
    return Lane(arm=Arm(name=name, role=role), targets=())


def played(headrace: float, *, failures: int = 0, rounds: int = ROUNDS) -> Played:
    """Return rounds in which nginx took 10 ms and headrace so many."""
    arms = {ci.NGINX: 10.0, ci.HEADRACE: headrace, ci.NOISE: 10.2}
    return Played(
        lanes=(lane(ci.NGINX), lane(ci.HEADRACE), lane(ci.NOISE, AGAIN)),
        start_ns=0,
        blocks=[
            Block(
                round=turn,
                arm=arm,
                rejected="disturbed" if turn == 1 else "",
                failures=failures,
                figures={ci.FIGURE: value * (1 + turn / 100)},
            )
            for turn in range(rounds)
            for arm, value in arms.items()
        ],
    )


def test_ratios_are_taken_within_a_round() -> None:
    assert ci.ratios(played(15.0), ci.HEADRACE) == pytest.approx([1.5] * ROUNDS)


@pytest.mark.parametrize(("cpu", "kept"), [(15.0, True), (18.0, True), (18.5, False)])
def test_the_gate_closes_when_the_whole_interval_is_above(cpu: float, kept: bool) -> None:
    assert ci.rule(played(cpu), budget=1.8).kept is kept


@pytest.mark.parametrize("bad", [played(15.0, failures=3), played(15.0, rounds=4)])
def test_without_rounds_there_is_no_verdict(bad: Played) -> None:
    with pytest.raises(UnmeasurableError, match="too few"):
        ci.rule(bad, budget=1.8)


def test_the_sentence_states_noise_and_budget() -> None:
    run = played(15.0)
    record = ci.account(run, ci.rule(run, 1.8), ci.Options())
    assert "1.50 [1.50 .. 1.50] times as much" in record.sentence
    assert "nginx against itself 1.02" in record.sentence
    assert record.sentence.endswith("Budget 1.8: kept.")


def test_nginx_runs_twice() -> None:
    found = ci.lanes([lane("direct", "direct"), lane(ci.NGINX), lane(ci.HEADRACE)])
    assert [(one.name, one.arm.role) for one in found] == [
        (ci.NGINX, PROXY),
        (ci.HEADRACE, PROXY),
        (ci.NOISE, AGAIN),
    ]


def test_without_nginx_it_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(ci, "find_nginx", lambda: None)
    assert ci.main(ci.Options(json=tmp_path / "x.json")) == 0
    assert "skipped" in capsys.readouterr().out
    assert not (tmp_path / "x.json").exists()
