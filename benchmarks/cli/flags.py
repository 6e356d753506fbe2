"""Flags that many commands share: arms, endpoint, design, budget and output; each told once.

Words of `vllm bench serve` stand beside ours where they mean the same; those that mean something
else are translated in `vllm`.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from benchmarks.cli import words
from benchmarks.cli.flag import ARMS, DESIGN, ENDPOINT, OUTPUT, counted, lasting, option


class Arms(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared."""

    direct: Annotated[
        list[str] | None,
        option(
            "--direct",
            panel=ARMS,
            metavar="URL",
            help="The engine itself, without a proxy; may be repeated.",
        ),
    ] = None
    via: Annotated[
        list[str] | None,
        option(
            "--via",
            panel=ARMS,
            metavar="NAME=URL",
            help="A proxy in front of that engine; may be repeated. headrace, nginx, envoy or"
            " haproxy alone starts one.",
        ),
    ] = None
    via_pid: Annotated[
        list[str] | None,
        option(
            "--via-pid",
            panel=ARMS,
            metavar="NAME=PID",
            help="The proxy's process, if it cannot be found by its listening port.",
        ),
    ] = None
    aa: Annotated[
        bool,
        option("--aa/--no-aa", panel=ARMS, help="Measure direct twice: the noise. On by default."),
    ] = True
    floor: Annotated[
        bool,
        option("--floor/--no-floor", panel=ARMS, help="A plain TCP relay, the least there can be."),
    ] = True


class Engines(msgspec.Struct, frozen=True, kw_only=True):
    """What is started where no endpoint is given."""

    engines: Annotated[
        int,
        counted(
            "--engines",
            panel=ARMS,
            help="Simulated engines to start where no endpoint is given; 2.",
        ),
    ] = 2


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """How the endpoint is asked."""

    model: Annotated[
        str, option("--model", "-m", panel=ENDPOINT, metavar="NAME", help="Else the only one.")
    ] = ""
    api: Annotated[
        str,
        option(
            "--api",
            panel=ENDPOINT,
            metavar="API",
            help="chat (default), completions, responses, messages or ollama.",
        ),
    ] = "chat"
    api_key: Annotated[
        str,
        option(
            "--api-key",
            panel=ENDPOINT,
            metavar="KEY",
            envvar="OPENAI_API_KEY",
            help="Never printed or saved.",
        ),
    ] = ""
    header: Annotated[
        list[str] | None,
        option(
            "--header",
            "-H",
            panel=ENDPOINT,
            metavar="NAME:VALUE",
            help="Sent with each request; may be repeated.",
        ),
    ] = None
    insecure: Annotated[
        bool, option("--insecure", panel=ENDPOINT, help="Take any TLS certificate.")
    ] = False
    ignore_eos: Annotated[
        bool,
        option(
            "--ignore-eos/--no-ignore-eos",
            panel=ENDPOINT,
            help="Ask for exactly as many tokens as planned. On by default.",
        ),
    ] = True
    timeout: Annotated[
        float | None,
        lasting("--timeout", panel=ENDPOINT, help="A request that takes longer failed."),
    ] = None
    warm: Annotated[
        int | None,
        option(
            "--warm",
            "--num-warmups",
            panel=ENDPOINT,
            min=0,
            metavar="N",
            help="Small requests before, which count nowhere.",
        ),
    ] = None
    clients: Annotated[
        int,
        option(
            "--clients",
            panel=ENDPOINT,
            min=0,
            metavar="N",
            help="Processes that make the load; 0 (default) takes as many as it needs.",
        ),
    ] = 0
    goodput: Annotated[
        list[str] | None,
        option(
            "--goodput",
            panel=ENDPOINT,
            metavar="LIMIT",
            help="ttft:200 tpot:50ms itl:.. e2e:..: count answers within these.",
        ),
    ] = None


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """How the measurement is laid out."""

    rounds: Annotated[
        int | None,
        option(
            "--rounds",
            panel=DESIGN,
            parser=words.rounds,
            metavar="N",
            help="Each arm once a round, in random order; 12, at least 6.",
        ),
    ] = None
    block: Annotated[
        float | None, lasting("--block", panel=DESIGN, help="Length of one block of load; 1s.")
    ] = None
    precision: Annotated[
        float | None,
        lasting("--precision", panel=DESIGN, help="Stop when the interval is this narrow."),
    ] = None
    max_time: Annotated[
        float | None,
        lasting(
            "--max-time",
            panel=DESIGN,
            help="Stop after this long; 60s, and 15s for each arm beyond four.",
        ),
    ] = None
    pin: Annotated[
        str,
        option(
            "--pin",
            panel=DESIGN,
            metavar="auto or off",
            help="Proxy on one CPU, the rest on the others.",
        ),
    ] = "auto"
    stamp: Annotated[
        str,
        option(
            "--stamp",
            panel=DESIGN,
            metavar="WHERE",
            help="Where simulated engines say when they wrote a token: field, content, sidelog.",
        ),
    ] = ""


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """The dice."""

    seed: Annotated[
        int, option("--seed", panel=DESIGN, metavar="N", help="The same seed, the same load; 1.")
    ] = 1


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Where results go."""

    budget: Annotated[
        str,
        option(
            "--budget",
            panel=OUTPUT,
            metavar="NAME=LIMIT,...",
            help="ttft.p99=2ms,token.p99=1ms,cpu_per_1k=30ms: exit with 3 if exceeded.",
        ),
    ] = ""
    json: Annotated[
        Path | None,
        option("--json", panel=OUTPUT, metavar="FILE", help="Everything, to compare later."),
    ] = None
    html: Annotated[
        Path | None, option("--html", panel=OUTPUT, metavar="FILE", help="A page with plots.")
    ] = None
    md: Annotated[
        Path | None, option("--md", panel=OUTPUT, metavar="FILE", help="The tables as Markdown.")
    ] = None
    csv: Annotated[
        Path | None, option("--csv", panel=OUTPUT, metavar="FILE", help="Every figure.")
    ] = None
    raw: Annotated[
        Path | None,
        option("--raw", panel=OUTPUT, metavar="FILE", help="Every request, a JSON line each."),
    ] = None
    quiet: Annotated[
        bool,
        option("--quiet", "-q", "--disable-tqdm", panel=OUTPUT, help="No progress, no table."),
    ] = False


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """What `ci` allows, and how long it looks."""

    ratio: Annotated[
        float,
        option(
            "--ratio",
            panel=OUTPUT,
            parser=words.factor,
            metavar="X",
            help="How many times nginx's CPU headrace may take; 1.8.",
        ),
    ] = 1.8
    rounds: Annotated[
        int, counted("--rounds", panel=DESIGN, help="Each arm once a round, in random order; 8.")
    ] = 8
    json: Annotated[
        Path | None,
        option("--json", panel=OUTPUT, metavar="FILE", help="Everything, to compare later."),
    ] = None


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What `capacity` looks for."""

    of: Annotated[
        str,
        option("--of", panel=DESIGN, metavar="WHAT", help="rate (default) or streams."),
    ] = "rate"
    first: Annotated[
        float | None,
        option("--from", panel=DESIGN, parser=words.factor, metavar="N", help="Begin there."),
    ] = None
    most: Annotated[
        float | None,
        option("--to", panel=DESIGN, parser=words.factor, metavar="N", help="Look no further."),
    ] = None


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """What `faults` breaks, and when."""

    via: Annotated[
        list[str] | None,
        option(
            "--via",
            panel=ARMS,
            metavar="NAME",
            help="headrace (default), nginx, envoy or haproxy; may be repeated.",
        ),
    ] = None
    fault: Annotated[
        list[str] | None,
        option(
            "--fault",
            panel=DESIGN,
            metavar="HOW",
            help="kill, hang, 503, reset, cut; may be repeated. Without it all but cut.",
        ),
    ] = None
    calm: Annotated[float, lasting("--calm", panel=DESIGN, help="Before the fault; 3s.")] = 3.0
    outage: Annotated[float, lasting("--outage", panel=DESIGN, help="How long it lasts; 4s.")] = 4.0
    after: Annotated[
        float, lasting("--after", panel=DESIGN, help="Once the engine is whole again; 5s.")
    ] = 5.0


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What `fairness` compares."""

    policy: Annotated[
        list[str] | None,
        option(
            "--policy",
            panel=ARMS,
            metavar="NAME",
            help="work, least-connections, round-robin, random; nginx, envoy, haproxy; may be"
            " repeated.",
        ),
    ] = None
    weights: Annotated[
        str,
        option("--weights", panel=ARMS, metavar="W,W,...", help="One per simulated engine; 1,1,1."),
    ] = ""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a comparison."""

    budget: Annotated[
        str,
        option(
            "--budget",
            panel=OUTPUT,
            metavar="NAME=LIMIT,...",
            help="How much worse the second may be; exit with 3 if it is.",
        ),
    ] = ""
    md: Annotated[
        Path | None, option("--md", panel=OUTPUT, metavar="FILE", help="The table as Markdown.")
    ] = None
    quiet: Annotated[bool, option("--quiet", "-q", panel=OUTPUT, help="Print no table.")] = False
