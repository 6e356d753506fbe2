"""Which arms a run has, and how further ones are named."""

from pathlib import Path

import pytest

from benchmarks.driver import arms, yardsticks


def test_a_further_arm_is_a_name_and_a_command() -> None:
    plan = arms.from_words("mine=proxy --port {port} --to {backends} --urls {urls} -d '{folder}/x'")

    assert plan.name == "mine"
    assert plan.command(8000, [9001, 9002], Path("/folder")) == [
        *("proxy", "--port", "8000", "--to", "9001,9002"),
        *("--urls", "http://127.0.0.1:9001,http://127.0.0.1:9002", "-d", "/folder/x"),
    ]


@pytest.mark.parametrize("words", ["mine", "=command", "mine="])
def test_half_an_arm_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="NAME=COMMAND"):
        arms.from_words(words)


def test_missing_yardsticks_are_left_out_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yardsticks, "find_nginx", lambda: None)
    monkeypatch.setattr(yardsticks, "find_envoy", lambda: "/bin/envoy")

    found = arms.find(["nginx", "envoy", "headrace"], [arms.from_words("mine=x")])

    assert [plan.name for plan in found.plans] == ["envoy", "headrace", "mine"]
    assert len(found.skipped) == 1
    assert "nginx" in found.skipped[0]


def test_a_yardstick_found_gets_its_own_binary(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(yardsticks, "find_haproxy", lambda: "/opt/haproxy")

    (plan,) = arms.find(["haproxy"]).plans

    assert plan.command(8000, [9001], tmp_path)[0] == "/opt/haproxy"


def test_what_is_not_wanted_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yardsticks, "find_nginx", lambda: None)

    found = arms.find(["headrace"])

    assert [plan.name for plan in found.plans] == ["headrace"]
    assert not found.skipped
