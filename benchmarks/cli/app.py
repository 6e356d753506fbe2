"""The commands of `headrace bench`; each imports what it needs when it runs."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from benchmarks.cli import flags
from benchmarks.cli.gathering import gathered

app = typer.Typer(
    name="headrace bench",
    help="What a proxy costs, and what an endpoint does under load.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Url = Annotated[
    str | None,
    typer.Argument(metavar="[URL]", help="The endpoint; without it simulated engines are started."),
]
UrlFlag = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The same, as a flag.", hidden=True)
]
ENDPOINT = "endpoint"


def main(words: Sequence[str]) -> int:
    """Run the command that `words` ask for; return its exit code."""
    from benchmarks.cli.vllm import WordError, translated

    given = list(words)
    if given and given[0] in {"run", "replay"}:
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


def _words() -> tuple[str, ...]:
    """Return the command line for the record, keys left out."""
    shown, hide = ["headrace", *sys.argv[1:]], False
    for place, word in enumerate(shown):
        if hide:
            shown[place] = "***"
        elif word.startswith("--api-key="):
            shown[place] = "--api-key=***"
        hide = word == "--api-key"
    return tuple(shown)


def _run(  # noqa: PLR0913 - groups of flags, not arguments
    url: Url = None,
    url_flag: UrlFlag = None,
    *,
    load: flags.Load,
    body: flags.Shape,
    endpoint: flags.Endpoint,
    seed: flags.Seed,
    out: flags.Output,
    engines: flags.Engines,
) -> int:
    from benchmarks.cli import intents
    from benchmarks.commands import run

    where = url or url_flag
    return run.main(
        run.Options(
            target=intents.target(ENDPOINT, where, endpoint, stream=body.stream) if where else None,
            engines=engines.engines,
            shape=intents.shape(load, body),
            limits=intents.limits(endpoint),
            loading=intents.loading(endpoint),
            seed=seed.seed,
            words=_words(),
            output=intents.output(out),
        )
    )


app.command("run", help="Load one endpoint and tell what its users got.")(gathered(_run))


@app.command(
    "mock",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
    help="Run simulated engines.",
)
def _mock(context: typer.Context) -> None:
    from benchmarks.fake.__main__ import main as run

    raise typer.Exit(run(context.args))


def _ci(budget: flags.Ratio, seed: flags.Seed) -> int:
    from benchmarks.commands import ci

    return ci.main(
        ci.Options(
            budget=budget.ratio,
            rounds=budget.rounds,
            seed=seed.seed,
            json=budget.json,
            words=_words(),
        )
    )


app.command("ci", help="Hold headrace's CPU per token against nginx's; 3 if over the budget.")(
    gathered(_ci)
)
