"""`headrace bench mock`: simulated engines to point a client or a proxy at."""

import msgspec

from benchmarks.fake.__main__ import main as run
from benchmarks.fake.profile import Stamps


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to start. Everything left out is as the preset, or the plain default, has it."""

    instances: int = 1
    preset: str = ""
    """h100-8b, h100-70b-tp8, l40s-3b, or empty for an engine as fast as the machine."""
    dialect: str = ""
    """Whose wire shapes they copy; see the reference of the simulated engine."""
    models: tuple[str, ...] = ()
    port: int | None = None
    """Of the first one; the others take the ports after it. None: free ones."""
    stamps: Stamps | None = None
    json: bool = False
    """Print one JSON line instead of a table."""
    until_stdin_closes: bool = False
    """End with the process that started this one."""
    more: tuple[str, ...] = ()
    """Further flags of `python -m benchmarks.fake`, such as `--pace 0.01`."""


def words(options: Options) -> list[str]:
    """Return the command line of the simulated engines that these options stand for."""
    given = ["--instances", str(options.instances)]
    for flag, value in (
        ("--preset", options.preset),
        ("--dialect", options.dialect),
        ("--port", options.port),
        ("--stamps", options.stamps),
    ):
        if value is not None and value != "":
            given += [flag, str(value)]
    for model in options.models:
        given += ["--model", model]
    given += ["--json"] * options.json + ["--until-stdin-closes"] * options.until_stdin_closes
    return [*given, *options.more]


def main(options: Options) -> int:
    """Run them until the command is told to end; returns the exit code.

    0: ended as told. 1: could not start, or all have died. SystemExit(2), with a message that
    names the flag and what it takes, for a value that is not allowed.
    """
    return run(words(options))
