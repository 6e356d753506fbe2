"""The command line of a simulated engine."""

import re
from pathlib import Path

from benchmarks.fake.__main__ import parser, profile_of
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.launch import command
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


def test_the_reference_page_has_every_flag_and_every_fault() -> None:
    page = (Path(__file__).parents[4] / "docs/reference/simulated-engine.md").read_text()
    flags = re.findall(r"(?<![\w-])--[a-z-]+", parser().format_help())

    assert [flag for flag in set(flags) - {"--help"} if f"| `{flag}` |" not in page] == []
    assert [kind for kind in Kind if f"| `{kind}` |" not in page] == []
    assert [
        name for name in Fault.__struct_fields__ if name != "kind" and f"| `{name}` |" not in page
    ] == []
