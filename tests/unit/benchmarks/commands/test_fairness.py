"""What fairness starts, and what it tells."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.commands import fairness
from benchmarks.commands.attempting import UnmeasurableError
from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule

SCHEDULE = Schedule(requests=(), span=1.0)


def played(policy: str, **figures: float | None) -> fairness.Played:
    trial = Trial(observed=[], began_ns=0, wall_ns=1)
    return fairness.Played(policy=policy, trial=trial, figures=figures)


def test_the_settings_hold_policy_and_weights() -> None:
    told = msgspec.json.decode(fairness.configuration("random", {21_000: 1.0, 21_001: 2.5}))
    assert told["balance"] == {"policy": "random"}
    assert [one["weight"] for one in told["backends"]] == [1.0, 2.5]


def test_headrace_is_started_with_these_settings(tmp_path: Path) -> None:
    plan = fairness.plan("work", (1.0, 2.0), tmp_path, 21_005)
    words = plan.command(21_000, [21_001, 21_002], tmp_path)
    assert words[-2:] == ["--config", str(tmp_path / "work.yaml")]
    assert "--backend" not in words
    assert b"127.0.0.1:21002" in (tmp_path / "work.yaml").read_bytes()


def test_what_is_no_policy_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UnmeasurableError, match="round-robin"):
        fairness.plan("fastest", (1.0, 1.0), tmp_path, 1)


def test_the_record_tells_shares_in_words() -> None:
    one = played("work", request_error_share=0.1, token_error_share=0.05, prefix_hit_share=0.3)
    one.figures["chance_error_share"] = 0.02
    record = fairness.account([one], SCHEDULE, fairness.Options())
    assert record.verdict == "valid"
    assert "work sent 5.0% of the tokens elsewhere" in record.sentence
    assert "30% of the prompt tokens cached" in record.sentence


def test_answers_without_names_make_it_invalid() -> None:
    record = fairness.account([played("nginx")], SCHEDULE, fairness.Options())
    assert record.verdict == "invalid"
    assert "nginx" in record.checks[0].detail
