"""Flags of traces: which part of one, how it is sent, where it is written."""

from typing import Annotated, Any

import msgspec

from benchmarks.cli import words
from benchmarks.cli.flag import LOAD, OUTPUT, SHAPE, counted, lasting, option, timed

SOURCE = "Trace"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a trace."""

    format: Annotated[
        str,
        option(
            "--format",
            panel=SOURCE,
            metavar="NAME",
            help="azure, burstgpt, servegen, otel, access-log, mooncake, csv, jsonl; else found"
            " out.",
        ),
    ] = ""
    start: Annotated[
        float, timed("--start", panel=SOURCE, help="Leave so much of its beginning out.")
    ] = 0.0
    span: Annotated[float | None, lasting("--span", panel=SOURCE, help="Take so much of it.")] = (
        None
    )
    skip_bad: Annotated[
        bool,
        option("--skip-bad", panel=SOURCE, help="Leave bad rows out instead of refusing."),
    ] = False


def _speed() -> Any:  # noqa: ANN401 - as typer
    return option(
        "--speed", panel=LOAD, parser=words.factor, metavar="X", help="So many times as fast."
    )


def _spread() -> Any:  # noqa: ANN401 - as typer
    return timed(
        "--spread",
        panel=LOAD,
        help="Spread rows of a coarse clock over this; 0 leaves them. Else the clock's step.",
    )


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How a trace's times are changed."""

    speed: Annotated[float, _speed()] = 1.0
    spread: Annotated[float, _spread()] = -1.0


class Replay(Pace, frozen=True, kw_only=True):
    """How a trace is sent."""

    requests: Annotated[
        int | None,
        counted("--requests", "--limit", panel=LOAD, help="At most so many requests."),
    ] = None
    concurrency: Annotated[
        int | None,
        counted("--concurrency", "--max-concurrency", panel=LOAD, help="At most so many at once."),
    ] = None
    context: Annotated[
        int | None,
        counted("--context", panel=SHAPE, help="Tokens the engine has room for; longer is cut."),
    ] = None
    stream: Annotated[
        bool, option("--stream/--no-stream", panel=SHAPE, help="Ask for a stream. On by default.")
    ] = True


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """Where a trace goes."""

    as_format: Annotated[
        str,
        option(
            "--as", panel=OUTPUT, metavar="NAME", help="azure, burstgpt, mooncake, csv or jsonl."
        ),
    ] = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """How figures of a trace are shown."""

    json: Annotated[bool, option("--json", panel=OUTPUT, help="Print JSON.")] = False
