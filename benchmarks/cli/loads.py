"""Flags of a workload: when requests come, what they look like, how their clients behave."""

from typing import Annotated

import msgspec

from benchmarks.cli import words
from benchmarks.cli.flag import LOAD, SHAPE, counted, option, timed


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """When requests come."""

    rate: Annotated[
        float | None,
        option(
            "--rate",
            "--request-rate",
            panel=LOAD,
            parser=words.rate,
            metavar="N",
            help="Requests a second in the mean; inf sends all at once.",
        ),
    ] = None
    concurrency: Annotated[
        int | None,
        counted(
            "--concurrency",
            "--max-concurrency",
            panel=LOAD,
            help="At most so many at once; without --rate the next begins when one ends.",
        ),
    ] = None
    arrivals: Annotated[
        str,
        option(
            "--arrivals",
            panel=LOAD,
            metavar="HOW",
            help="poisson (default), constant, gamma:SHAPE, weibull:SHAPE,"
            " logou:SIGMA@SECONDS,SIGMA@SECONDS.",
        ),
    ] = ""
    ramp: Annotated[
        str,
        option(
            "--ramp",
            panel=LOAD,
            metavar="A..B@TIME",
            help="From A to B requests a second within TIME; ':exponential' behind it.",
        ),
    ] = ""
    duration: Annotated[
        float | None,
        timed("--duration", panel=LOAD, help="How long requests begin; 10s."),
    ] = None
    requests: Annotated[
        int | None,
        counted("--requests", "--num-prompts", panel=LOAD, help="Exactly so many requests."),
    ] = None
    speed: Annotated[
        float,
        option(
            "--speed",
            panel=LOAD,
            parser=words.factor,
            metavar="X",
            help="Time goes so many times as fast.",
        ),
    ] = 1.0
    idle_gap: Annotated[
        str,
        option(
            "--idle-gap",
            panel=LOAD,
            metavar="TIME@TIME",
            help="20s@300s: silences of 20 s about every 300 s.",
        ),
    ] = ""
    preset: Annotated[
        str,
        option(
            "--preset",
            panel=LOAD,
            metavar="NAME",
            help="code-like, conv-like, flash-crowd, multi-tenant, or a file of `trace fit`.",
        ),
    ] = ""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a request looks like, and how its client behaves."""

    input: Annotated[
        str,
        option(
            "--input",
            "--input-len",
            panel=SHAPE,
            metavar="TOKENS",
            help="Prompt: 512, uniform:A..B, lognormal:MEDIAN,P99, quantiles:FILE, preset:NAME.",
        ),
    ] = ""
    output: Annotated[
        str,
        option(
            "--output",
            "--output-len",
            panel=SHAPE,
            metavar="TOKENS",
            help="Answer, in the same words; 128.",
        ),
    ] = ""
    turns: Annotated[
        str, option("--turns", panel=SHAPE, metavar="N", help="Turns of a session: 4 or 2..6.")
    ] = ""
    think: Annotated[
        str,
        option(
            "--think",
            panel=SHAPE,
            metavar="TIME",
            help="Between an answer and the next turn: 2s, exp:5s, uniform:1s..8s.",
        ),
    ] = ""
    prefix_groups: Annotated[
        str,
        option(
            "--prefix-groups",
            panel=SHAPE,
            metavar="N[:HOW]",
            help="Prompts begin alike in N groups: 8, 8:uniform, 8:zipf1.1.",
        ),
    ] = ""
    prefix_tokens: Annotated[
        int | None, counted("--prefix-tokens", panel=SHAPE, help="How far they are alike; 256.")
    ] = None
    cancel: Annotated[
        str,
        option(
            "--cancel",
            panel=SHAPE,
            metavar="SHARE@TIME",
            help="Clients that leave: 5%@200ms, 5%@200ms..2s.",
        ),
    ] = ""
    slow: Annotated[
        str,
        option(
            "--slow-readers",
            "--slow",
            panel=SHAPE,
            metavar="SHARE@BYTES/s",
            help="Clients that read slowly: 2%@2KiB/s.",
        ),
    ] = ""
    new_connections: Annotated[
        str,
        option(
            "--new-connections",
            panel=SHAPE,
            metavar="SHARE",
            help="Requests that open a connection of their own: 10%.",
        ),
    ] = ""
    stream: Annotated[
        bool, option("--stream/--no-stream", panel=SHAPE, help="Ask for a stream. On by default.")
    ] = True
