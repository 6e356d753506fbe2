"""`bench mock` as the command line of the simulated engine."""

from benchmarks.commands.mock import Options, words
from benchmarks.fake.__main__ import parser, profile_of
from benchmarks.fake.profile import Dialect, Profile, Stamps


def test_options_become_the_profile_they_name() -> None:
    options = Options(
        instances=3,
        preset="h100-8b",
        dialect="llamacpp",
        models=("a", "b"),
        port=21_000,
        stamps=Stamps.CONTENT,
        json=True,
        until_stdin_closes=True,
        more=("--pace", "0.5"),
    )
    parsed = parser().parse_args(words(options))
    profile = profile_of(parsed)

    assert (parsed.instances, parsed.json, parsed.until_stdin_closes) == (3, True, True)
    assert (profile.dialect, profile.models, profile.port) == (Dialect.LLAMACPP, ("a", "b"), 21_000)
    assert (profile.stamps, profile.pace, profile.jitter) == (Stamps.CONTENT, 0.5, 0.16)


def test_what_is_left_out_is_as_it_was() -> None:
    parsed = parser().parse_args(words(Options()))

    assert profile_of(parsed) == Profile()
    assert not parsed.json
