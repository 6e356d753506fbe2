"""The command line of a simulated engine."""

from benchmarks.fake.__main__ import parser, profile_of
from benchmarks.fake.launch import command
from benchmarks.fake.profile import Dialect, Profile


def test_every_field_of_a_profile_survives_the_command_line() -> None:
    profile = Profile(
        name="x",
        port=21000,
        admin_port=0,
        dialect=Dialect.OLLAMA,
        models=("a", "b"),
        pace=0.02,
        queue_limit=3,
        stamps=True,
        keep_bodies=True,
        event_bytes=300,
    )

    assert profile_of(parser().parse_args(command(profile)[3:])) == profile


def test_no_flag_is_the_default_profile() -> None:
    assert profile_of(parser().parse_args([])) == Profile()
