"""Commands about traces: info, convert, fit, synth."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli import flags, loads, traces
from benchmarks.cli.gathering import add

TraceFile = Annotated[Path, typer.Argument(metavar="TRACE", help="Plain or gzipped.")]
To = Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")]
ToFlag = Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to write it.")]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@add(app, "info", "Tell a trace's rates, bursts, silences and lengths.")
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


@add(app, "convert", "Write a trace in another format, faster or slower.")
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


@add(app, "fit", "Find a pattern as bursty as a trace, for --preset.")
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


@add(app, "synth", "Draw a trace from a preset, a fit or any flags of load and shape.")
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
