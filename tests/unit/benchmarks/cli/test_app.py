"""The commands: their words reach their bodies, and wrong ones are told."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from benchmarks.cli import app

MODULES = {
    "overhead": "--via nginx --rounds 6 --rate 5 --seed 9",
    "run": "http://h:1 --requests 10 --concurrency 2 --goodput ttft:200 tpot:50 --seed 9",
    "replay": "t.csv http://h:1 --speed 4 --span 30s --skip-bad --seed 9",
    "capacity": "--via nginx --of streams --to 500 --seed 9",
    "selftest": "--rounds 6 --seed 9",
    "faults": "--via nginx --fault kill --outage 1s --seed 9",
    "fairness": "--policy work --weights 1,2 --seed 9",
    "ci": "--ratio 2 --seed 9",
}


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Put fakes in place of all bodies; return the options each was given."""
    seen: dict[str, Any] = {}

    def body(name: str) -> Any:
        def main(options: Any) -> int:
            seen[name] = options
            return 5

        return main

    for name in [*MODULES, "compare", "report", "trace"]:
        module = importlib.import_module(f"benchmarks.commands.{name}")
        monkeypatch.setattr(module, "main", body(name))
    return seen


@pytest.mark.parametrize("name", MODULES)
def test_words_reach_the_body_and_its_code_is_returned(name: str, bodies: dict[str, Any]) -> None:
    assert app.main([name, *MODULES[name].split()]) == 5
    options = bodies[name]
    asked = getattr(options, "asked", options)
    assert asked.seed == 9


def test_run_is_asked_as_the_flags_say(bodies: dict[str, Any]) -> None:
    app.main(["run", *MODULES["run"].split()])
    options = bodies["run"]
    assert options.asked.target.url == "http://h:1"
    assert (options.shape.requests, options.shape.concurrency) == (10, 2)
    assert (options.asked.limits.ttft, options.asked.limits.tpot) == (200, 50)


def test_replay_has_arms_only_if_any_is_named(bodies: dict[str, Any]) -> None:
    app.main(["replay", "t.csv", "--speed", "4"])
    alone = bodies["replay"]
    app.main(["replay", "t.csv", "--via", "headrace"])
    assert alone.arms is None
    assert alone.how.speed == 4
    assert bodies["replay"].arms.via == ("headrace",)


def test_faults_and_fairness(bodies: dict[str, Any]) -> None:
    app.main(["faults", *MODULES["faults"].split()])
    assert bodies["faults"].breakages == ("kill",)
    assert bodies["faults"].outage == 1.0
    app.main(["fairness", *MODULES["fairness"].split()])
    assert bodies["fairness"].weights == (1.0, 2.0)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("info t.csv --json", "InfoOptions"),
        ("convert t.csv o.csv --as azure --speed 2", "ConvertOptions"),
        ("fit t.csv --to p.json", "FitOptions"),
        ("synth o.csv --rate 5", "SynthOptions"),
    ],
)
def test_the_trace_commands(words: str, kind: str, bodies: dict[str, Any]) -> None:
    assert app.main(["trace", *words.split()]) == 5
    assert type(bodies["trace"]).__name__ == kind


def test_saved_results(bodies: dict[str, Any]) -> None:
    assert app.main(["compare", "a.json", "b.json", "--budget", "ttft.p99=1ms"]) == 5
    assert bodies["compare"].after == Path("b.json")
    assert app.main(["report", "a.json", "--md", "a.md"]) == 5
    assert bodies["report"].output.md == Path("a.md")


def test_a_comparison_looks_first_at_where_it_is_written(
    bodies: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["compare", "a.json", "b.json", "--md", str(tmp_path)]) == 2

    assert "--md" in capsys.readouterr().err
    assert bodies == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--rate", "fast"], "inf for all at once"),
        (["run", "--backend", "tgi"], "known are"),
        (["overhead", "--block", "3 days"], "200ms, 1.5s"),
        (["faults", "--fault", "flood"], "kill, hang, 503"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_words_are_told_and_end_with_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], bodies: dict[str, Any]
) -> None:
    assert app.main(words) == 2
    told = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert said in told
    assert bodies == {}


def test_what_vllm_words_were_dropped_is_said(
    capsys: pytest.CaptureFixture[str], bodies: dict[str, Any]
) -> None:
    assert app.main(["run", "h:1", "--rate", "1", "--tokenizer", "x"]) == 5
    assert "--tokenizer x" in capsys.readouterr().err


PAGE = (Path(__file__).parents[4] / "docs/reference/bench.md").read_text()


def section(title: str) -> str:
    """Return what stands below a heading of the third level."""
    return PAGE.partition(f"\n### {title}\n")[2].partition("\n##")[0]


def flags_of(text: str) -> set[str]:
    """Return the flags in the first column of the tables in a text."""
    return {
        flag
        for line in text.splitlines()
        if line.startswith("| `-")
        for flag in re.findall(r"`(-[^`]+)`", line.split(" | ")[0])
    }


def commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        elif name != "mock":  # its flags stand on a page of their own
            yield " ".join((*path, name)), command


COMMANDS = dict(commands(typer.main.get_command(app.app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_every_flag_of_a_command_and_no_other(name: str) -> None:
    text = section(name)
    told = flags_of(text)
    for group in re.findall(r"\(#([a-z-]+)-flags\)", text):
        told |= flags_of(section(f"{group.replace('-', ' ')} flags"))
    have = {
        flag
        for option in COMMANDS[name].params
        if option.param_type_name == "option" and option.name != "help"
        for flag in (*option.opts, *option.secondary_opts)
    }
    assert told == have


def test_a_port_that_is_none_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bind(_words: list[str]) -> int:
        raise OverflowError("bind(): port must be 0-65535.")

    monkeypatch.setattr("benchmarks.fake.__main__.main", bind)
    assert app.main(["mock", "--port", "99999"]) == 2
    assert capsys.readouterr().err == "headrace bench mock: bind(): port must be 0-65535.\n"
