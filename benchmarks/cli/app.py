"""The commands of `headrace bench`; each imports what it needs when it runs."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli import flags, loads, traces
from benchmarks.cli.gathering import gathered

PASTED = frozenset({"run", "replay", "overhead", "capacity"})
"""Commands that take the words of `vllm bench serve`."""
Url = Annotated[
    str | None,
    typer.Argument(metavar="[URL]", help="The endpoint; without it simulated engines are started."),
]
UrlFlag = Annotated[str | None, typer.Option("--url", metavar="URL", hidden=True)]
TraceFile = Annotated[Path, typer.Argument(metavar="TRACE", help="Plain or gzipped.")]
To = Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")]
ToFlag = Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to write it.")]

app = typer.Typer(
    name="headrace bench",
    help="What a proxy costs, and what an endpoint does under load.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
trace = typer.Typer(
    help="Look at traces, rewrite them, make some.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(trace, name="trace")


def main(words: Sequence[str]) -> int:
    """Run the command that `words` ask for; return its exit code."""
    from benchmarks.cli.vllm import WordError, translated

    given = list(words)
    if given and given[0] in PASTED:
        try:
            rest, notes = translated(given[1:])
        except WordError as error:
            print(f"headrace bench {given[0]}: {error}", file=sys.stderr)
            return 2
        for note in notes:
            print(note, file=sys.stderr)
        given = [given[0], *rest]
    try:
        app(args=given, prog_name="headrace bench")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def _add(words: str, help: str, to: typer.Typer = app) -> Callable[[Callable[..., int]], None]:  # noqa: A002
    """Return what makes a function of flag groups a command."""

    def add(action: Callable[..., int]) -> None:
        to.command(words, help=help)(gathered(action))

    return add


@_add("overhead", "What a proxy costs: direct and proxied side by side, with an interval.")
def _overhead(  # noqa: PLR0913 - groups of flags
    *,
    arms: flags.Arms,
    load: loads.Load,
    body: loads.Shape,
    endpoint: flags.Endpoint,
    design: flags.Design,
    seed: flags.Seed,
    out: flags.Output,
    engines: flags.Engines,
) -> int:
    import msgspec

    from benchmarks.cli import comparing, intents
    from benchmarks.commands import overhead

    options = comparing.compared(arms, endpoint, design, stream=body.stream)
    options = comparing.with_common(options, seed, engines, out)
    shape = comparing.usual_but(intents.shape(load, body))
    return overhead.main(msgspec.structs.replace(options, shape=shape))


@_add("run", "Load one endpoint and tell what its users got.")
def _run(  # noqa: PLR0913 - groups of flags
    url: Url = None,
    url_flag: UrlFlag = None,
    *,
    load: loads.Load,
    body: loads.Shape,
    endpoint: flags.Endpoint,
    seed: flags.Seed,
    out: flags.Output,
    engines: flags.Engines,
) -> int:
    from benchmarks.cli import intents
    from benchmarks.commands import run

    asked = intents.asked(url or url_flag, endpoint, seed, engines, out, stream=body.stream)
    return run.main(run.Options(asked=asked, shape=intents.shape(load, body)))


@_add("replay", "Send a recorded trace again, to an endpoint or through proxies.")
def _replay(  # noqa: PLR0913 - groups of flags
    path: TraceFile,
    url: Url = None,
    url_flag: UrlFlag = None,
    *,
    source: traces.Source,
    how: traces.Replay,
    arms: flags.Arms,
    endpoint: flags.Endpoint,
    design: flags.Design,
    seed: flags.Seed,
    out: flags.Output,
    engines: flags.Engines,
) -> int:
    from benchmarks.cli import comparing, intents
    from benchmarks.commands import replay
    from benchmarks.trace.replay import Replay

    compared = comparing.compared(arms, endpoint, design, stream=how.stream)
    return replay.main(
        replay.Options(
            path=path,
            format=source.format,
            skip_bad=source.skip_bad,
            how=Replay(
                speed=how.speed,
                start=source.start,
                span=source.span,
                limit=how.requests,
                spread=how.spread,
                context=how.context,
                concurrency=how.concurrency,
            ),
            asked=intents.asked(url or url_flag, endpoint, seed, engines, out, stream=how.stream),
            arms=comparing.with_common(compared, seed, engines, out)
            if arms.direct or arms.via
            else None,
        )
    )


@_add("ci", "Hold headrace's CPU per token against nginx's; 3 if over the budget.")
def _ci(budget: flags.Ratio, seed: flags.Seed) -> int:
    from benchmarks.cli import intents
    from benchmarks.commands import ci

    return ci.main(
        ci.Options(
            budget=budget.ratio,
            rounds=budget.rounds,
            seed=seed.seed,
            json=budget.json,
            words=intents.command_line(),
        )
    )


@app.command(
    "mock",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
    help="Run simulated engines.",
)
def _mock(context: typer.Context) -> None:
    from benchmarks.fake.__main__ import main as run

    raise typer.Exit(run(context.args))


@_add("info", "Tell a trace's rates, bursts, silences and lengths.", trace)
def _info(path: TraceFile, source: traces.Source, shown: traces.Shown) -> int:
    from benchmarks.commands import trace as command

    return command.main(
        command.InfoOptions(
            path=path,
            format=source.format,
            start=source.start,
            span=source.span,
            skip_bad=source.skip_bad,
            json=shown.json,
        )
    )


@_add("convert", "Write a trace in another format, faster or slower.", trace)
def _convert(
    path: TraceFile,
    to: To,
    *,
    source: traces.Source,
    how: traces.Pace,
    written: traces.Written,
    seed: flags.Seed,
) -> int:
    from benchmarks.commands import trace as command

    return command.main(
        command.ConvertOptions(
            path=path,
            format=source.format,
            start=source.start,
            span=source.span,
            skip_bad=source.skip_bad,
            to=to,
            as_format=written.as_format,
            speed=how.speed,
            spread=how.spread,
            seed=seed.seed,
        )
    )


@_add("fit", "Find a pattern as bursty as a trace, for --preset.", trace)
def _fit(path: TraceFile, to: ToFlag = None, *, source: traces.Source, shown: traces.Shown) -> int:
    from benchmarks.commands import trace as command

    return command.main(
        command.FitOptions(
            path=path,
            format=source.format,
            start=source.start,
            span=source.span,
            skip_bad=source.skip_bad,
            to=to,
            json=shown.json,
        )
    )


@_add("synth", "Draw a trace from a preset, a fit or any flags of load and shape.", trace)
def _synth(
    to: To, *, load: loads.Load, body: loads.Shape, written: traces.Written, seed: flags.Seed
) -> int:
    from benchmarks.cli import intents
    from benchmarks.commands import trace as command

    return command.main(
        command.SynthOptions(
            shape=intents.shape(load, body), to=to, as_format=written.as_format, seed=seed.seed
        )
    )
