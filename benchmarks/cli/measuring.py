"""Commands that measure: overhead, run, replay, capacity, selftest."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli import flags, loads, traces
from benchmarks.cli.gathering import add

app = typer.Typer()
Url = Annotated[
    str | None,
    typer.Argument(metavar="[URL]", help="The endpoint; without it simulated engines are started."),
]
UrlFlag = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The endpoint, as a flag.")
]
TraceFile = Annotated[Path, typer.Argument(metavar="TRACE", help="Plain or gzipped.")]


@add(app, "overhead", "What a proxy costs: direct and proxied side by side, with an interval.")
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


@add(app, "run", "Load one endpoint and tell what its users got.")
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


@add(app, "replay", "Send a recorded trace again, to an endpoint or through proxies.")
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


@add(app, "capacity", "The most requests or streams at which a proxy adds little.")
def _capacity(  # noqa: PLR0913 - groups of flags
    *,
    search: flags.Search,
    arms: flags.Arms,
    load: loads.Load,
    body: loads.Shape,
    endpoint: flags.Endpoint,
    design: flags.Design,
    seed: flags.Seed,
    out: flags.Output,
    engines: flags.Engines,
) -> int:
    from benchmarks.cli import comparing, intents
    from benchmarks.commands import capacity

    options = comparing.compared(arms, endpoint, design, stream=body.stream)
    options = comparing.with_common(options, seed, engines, out)
    shape = comparing.usual_but(intents.shape(load, body))
    return capacity.main(comparing.searched(options, shape, search, design))


@add(app, "selftest", "Whether the instrument can be believed on this machine.")
def _selftest(
    *, design: flags.Design, seed: flags.Seed, out: flags.Output, engines: flags.Engines
) -> int:
    from benchmarks.cli import intents
    from benchmarks.commands import selftest

    return selftest.main(
        selftest.Options(
            engines=engines.engines,
            seed=seed.seed,
            pin=design.pin,
            words=intents.command_line(),
            output=intents.output(out),
            **intents.given(rounds=design.rounds, block=design.block, max_time=design.max_time),
        )
    )
