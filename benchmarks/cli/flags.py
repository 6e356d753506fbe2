"""The flags, each told once: arms, load, shape, endpoint, design, budget and output.

Words of `vllm bench serve` stand beside ours where they mean the same; those that mean something
else are translated in `vllm`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from benchmarks.cli import words

Value = TypeVar("Value")

ARMS, LOAD, SHAPE = "Arms", "Load", "Shape"
ENDPOINT, DESIGN, OUTPUT = "Endpoint", "Design", "Budget and output"


def _option(*names: str, panel: str, help: str, **more: Any) -> Any:  # noqa: A002, ANN401 - as typer
    if "parser" in more:
        more["parser"] = _of_words(more["parser"])
    return typer.Option(*names, rich_help_panel=panel, help=help, show_default=False, **more)


def _of_words(parser: Callable[[str], Value]) -> Callable[[str | Value], Value]:
    """Return the parser such that it leaves defaults alone: typer hands it those, too."""

    def parse(value: str | Value) -> Value:
        return parser(value) if isinstance(value, str) else value

    return parse


def _duration(*names: str, panel: str, help: str) -> Any:  # noqa: A002, ANN401 - as typer
    return _option(*names, panel=panel, help=help, parser=words.duration, metavar="TIME")


def _count(*names: str, panel: str, help: str, metavar: str = "N") -> Any:  # noqa: A002, ANN401
    return _option(*names, panel=panel, help=help, parser=words.count, metavar=metavar)


class Arms(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared."""

    direct: Annotated[
        str | None,
        _option("--direct", panel=ARMS, metavar="URL", help="The engine itself, without a proxy."),
    ] = None
    via: Annotated[
        list[str] | None,
        _option(
            "--via",
            panel=ARMS,
            metavar="NAME=URL",
            help="A proxy in front of that engine; may be repeated. headrace, nginx or envoy"
            " alone starts one.",
        ),
    ] = None
    via_pid: Annotated[
        list[str] | None,
        _option(
            "--via-pid",
            panel=ARMS,
            metavar="NAME=PID",
            help="The proxy's process, if it cannot be found by its listening port.",
        ),
    ] = None
    aa: Annotated[
        bool,
        _option("--aa/--no-aa", panel=ARMS, help="Measure direct twice: the noise. On by default."),
    ] = True
    floor: Annotated[
        bool,
        _option(
            "--floor/--no-floor", panel=ARMS, help="A plain TCP relay, the least there can be."
        ),
    ] = True


class Engines(msgspec.Struct, frozen=True, kw_only=True):
    """What is started where no endpoint is given."""

    engines: Annotated[
        int,
        _count(
            "--engines",
            panel=ARMS,
            help="Simulated engines to start where no endpoint is given; 2.",
        ),
    ] = 2


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """When requests come."""

    rate: Annotated[
        float | None,
        _option(
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
        _count(
            "--concurrency",
            "--max-concurrency",
            panel=LOAD,
            help="At most so many at once; without --rate the next begins when one ends.",
        ),
    ] = None
    arrivals: Annotated[
        str,
        _option(
            "--arrivals",
            panel=LOAD,
            metavar="HOW",
            help="poisson (default), constant, gamma:SHAPE, weibull:SHAPE,"
            " logou:SIGMA@SECONDS,SIGMA@SECONDS.",
        ),
    ] = ""
    ramp: Annotated[
        str,
        _option(
            "--ramp",
            panel=LOAD,
            metavar="A..B@TIME",
            help="From A to B requests a second within TIME; ':exponential' behind it.",
        ),
    ] = ""
    duration: Annotated[
        float | None,
        _duration("--duration", panel=LOAD, help="How long requests begin; 10s."),
    ] = None
    requests: Annotated[
        int | None,
        _count("--requests", "--num-prompts", panel=LOAD, help="Exactly so many requests."),
    ] = None
    speed: Annotated[
        float,
        _option(
            "--speed",
            panel=LOAD,
            parser=words.factor,
            metavar="X",
            help="Time goes so many times as fast.",
        ),
    ] = 1.0
    idle_gap: Annotated[
        str,
        _option(
            "--idle-gap",
            panel=LOAD,
            metavar="TIME@TIME",
            help="20s@300s: silences of 20 s about every 300 s.",
        ),
    ] = ""
    preset: Annotated[
        str,
        _option(
            "--preset",
            panel=LOAD,
            metavar="NAME",
            help="code-like, conv-like, flash-crowd, multi-tenant, or a file of `trace info`.",
        ),
    ] = ""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a request looks like, and how its client behaves."""

    input: Annotated[
        str,
        _option(
            "--input",
            "--input-len",
            panel=SHAPE,
            metavar="TOKENS",
            help="Prompt: 512, uniform:A..B, lognormal:MEDIAN,P99, quantiles:FILE, preset:NAME.",
        ),
    ] = ""
    output: Annotated[
        str,
        _option(
            "--output",
            "--output-len",
            panel=SHAPE,
            metavar="TOKENS",
            help="Answer, in the same words; 128.",
        ),
    ] = ""
    turns: Annotated[
        str, _option("--turns", panel=SHAPE, metavar="N", help="Turns of a session: 4 or 2..6.")
    ] = ""
    think: Annotated[
        str,
        _option(
            "--think",
            panel=SHAPE,
            metavar="TIME",
            help="Between an answer and the next turn: 2s, exp:5s, uniform:1s..8s.",
        ),
    ] = ""
    prefix_groups: Annotated[
        str,
        _option(
            "--prefix-groups",
            panel=SHAPE,
            metavar="N[:HOW]",
            help="Prompts begin alike in N groups: 8, 8:uniform, 8:zipf1.1.",
        ),
    ] = ""
    prefix_tokens: Annotated[
        int | None, _count("--prefix-tokens", panel=SHAPE, help="How far they are alike; 256.")
    ] = None
    cancel: Annotated[
        str,
        _option(
            "--cancel",
            panel=SHAPE,
            metavar="SHARE@TIME",
            help="Clients that leave: 5%@200ms, 5%@200ms..2s.",
        ),
    ] = ""
    slow: Annotated[
        str,
        _option(
            "--slow-readers",
            panel=SHAPE,
            metavar="SHARE@BYTES/s",
            help="Clients that read slowly: 2%@2KiB/s.",
        ),
    ] = ""
    new_connections: Annotated[
        str,
        _option(
            "--new-connections",
            panel=SHAPE,
            metavar="SHARE",
            help="Requests that open a connection of their own: 10%.",
        ),
    ] = ""
    stream: Annotated[
        bool, _option("--stream/--no-stream", panel=SHAPE, help="Ask for a stream. On by default.")
    ] = True


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """How the endpoint is asked."""

    model: Annotated[
        str, _option("--model", "-m", panel=ENDPOINT, metavar="NAME", help="Else the only one.")
    ] = ""
    api: Annotated[
        str,
        _option(
            "--api",
            panel=ENDPOINT,
            metavar="API",
            help="chat (default), completions, responses, messages or ollama.",
        ),
    ] = "chat"
    api_key: Annotated[
        str,
        _option(
            "--api-key",
            panel=ENDPOINT,
            metavar="KEY",
            envvar="OPENAI_API_KEY",
            help="Never printed or saved.",
        ),
    ] = ""
    header: Annotated[
        list[str] | None,
        _option(
            "--header",
            "-H",
            panel=ENDPOINT,
            metavar="NAME:VALUE",
            help="Sent with each request; may be repeated.",
        ),
    ] = None
    insecure: Annotated[
        bool, _option("--insecure", panel=ENDPOINT, help="Take any TLS certificate.")
    ] = False
    ignore_eos: Annotated[
        bool,
        _option(
            "--ignore-eos/--no-ignore-eos",
            panel=ENDPOINT,
            help="Ask for exactly as many tokens as planned. On by default.",
        ),
    ] = True
    timeout: Annotated[
        float,
        _duration("--timeout", panel=ENDPOINT, help="A request that takes longer failed; 10m."),
    ] = 600.0
    warm: Annotated[
        int,
        _option(
            "--warm",
            "--num-warmups",
            panel=ENDPOINT,
            min=0,
            metavar="N",
            help="Requests before, not counted; 8.",
        ),
    ] = 8
    clients: Annotated[
        int,
        _option(
            "--clients",
            panel=ENDPOINT,
            min=0,
            metavar="N",
            help="Processes that make the load; 0 (default) takes as many as it needs.",
        ),
    ] = 0
    goodput: Annotated[
        list[str] | None,
        _option(
            "--goodput",
            panel=ENDPOINT,
            metavar="LIMIT",
            help="ttft:200 tpot:50ms itl:.. e2e:..: count answers within these.",
        ),
    ] = None


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """How the measurement is laid out."""

    rounds: Annotated[
        int, _count("--rounds", panel=DESIGN, help="Each arm once a round, in random order; 12.")
    ] = 12
    block: Annotated[
        float, _duration("--block", panel=DESIGN, help="Length of one block of load; 2s.")
    ] = 2.0
    precision: Annotated[
        float | None,
        _duration("--precision", panel=DESIGN, help="Stop when the interval is this narrow."),
    ] = None
    max_time: Annotated[
        float, _duration("--max-time", panel=DESIGN, help="Stop after this long; 5m.")
    ] = 300.0
    pin: Annotated[
        str,
        _option(
            "--pin",
            panel=DESIGN,
            metavar="auto|off",
            help="Proxy on one CPU, the rest on the others.",
        ),
    ] = "auto"
    stamp: Annotated[
        str,
        _option(
            "--stamp",
            panel=DESIGN,
            metavar="WHERE",
            help="Where simulated engines say when they wrote a token: field, content, sidelog.",
        ),
    ] = ""


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """The dice."""

    seed: Annotated[
        int, _option("--seed", panel=DESIGN, metavar="N", help="The same seed, the same load; 1.")
    ] = 1


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Where results go."""

    budget: Annotated[
        str,
        _option(
            "--budget",
            panel=OUTPUT,
            metavar="NAME=LIMIT,...",
            help="ttft.p99=2ms,token.p99=1ms,cpu_per_1k=30ms: exit with 3 if exceeded.",
        ),
    ] = ""
    json: Annotated[
        Path | None,
        _option("--json", panel=OUTPUT, metavar="FILE", help="Everything, to compare later."),
    ] = None
    html: Annotated[
        Path | None, _option("--html", panel=OUTPUT, metavar="FILE", help="A page with plots.")
    ] = None
    md: Annotated[
        Path | None, _option("--md", panel=OUTPUT, metavar="FILE", help="The tables as Markdown.")
    ] = None
    csv: Annotated[
        Path | None, _option("--csv", panel=OUTPUT, metavar="FILE", help="Every figure.")
    ] = None
    raw: Annotated[
        Path | None,
        _option("--raw", panel=OUTPUT, metavar="FILE", help="Every request, a JSON line each."),
    ] = None
    quiet: Annotated[
        bool,
        _option("--quiet", "-q", "--disable-tqdm", panel=OUTPUT, help="No progress, no table."),
    ] = False


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """What `ci` allows, and how long it looks."""

    ratio: Annotated[
        float,
        _option(
            "--ratio",
            panel=OUTPUT,
            parser=words.factor,
            metavar="X",
            help="How many times nginx's CPU headrace may take; 1.8.",
        ),
    ] = 1.8
    rounds: Annotated[
        int, _count("--rounds", panel=DESIGN, help="Each arm once a round, in random order; 8.")
    ] = 8
    json: Annotated[
        Path | None,
        _option("--json", panel=OUTPUT, metavar="FILE", help="Everything, to compare later."),
    ] = None
