"""The command line of a simulated engine."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.fake.__main__ import main, parser, profile_of
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.launch import command
from benchmarks.fake.presets import PRESETS
from benchmarks.fake.profile import Dialect, Profile, Stamps


def test_every_field_of_a_profile_survives_the_command_line() -> None:
    profile = Profile(
        name="x",
        port=21000,
        admin_port=0,
        dialect=Dialect.OLLAMA,
        models=("a", "b"),
        pace=0.02,
        queue_limit=3,
        stamps=Stamps.SIDELOG,
        keep_bodies=True,
        event_bytes=300,
    )

    assert profile_of(parser().parse_args(command(profile)[3:])) == profile


def test_no_flag_is_the_default_profile() -> None:
    assert profile_of(parser().parse_args([])) == Profile()


def test_flags_are_laid_over_the_preset() -> None:
    profile = profile_of(parser().parse_args(["--preset", "h100-8b", "--pace", "0", "--stamps"]))

    assert profile == replace(PRESETS["h100-8b"], pace=0.0, stamps=Stamps.FIELD)


def test_the_command_of_a_profile_starts_from_no_preset() -> None:
    profile = PRESETS["l40s-3b"]

    assert profile_of(parser().parse_args(command(profile)[3:])) == profile


@pytest.mark.parametrize("words", [["--instances", "0"], ["--preset", "b200"], ["--stamps", "no"]])
def test_a_wrong_value_is_refused_with_the_flag_named(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_the_reference_page_has_every_flag_and_every_fault() -> None:
    page = (Path(__file__).parents[4] / "docs/reference/simulated-engine.md").read_text()
    flags = re.findall(r"(?<![\w-])--[a-z-]+", parser().format_help())

    assert [name for name in PRESETS if f"| `{name}` |" not in page] == []
    assert [flag for flag in set(flags) - {"--help"} if f"| `{flag}` |" not in page] == []
    assert [kind for kind in Kind if f"| `{kind}` |" not in page] == []
    assert [
        name for name in Fault.__struct_fields__ if name != "kind" and f"| `{name}` |" not in page
    ] == []
