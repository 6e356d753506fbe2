"""The commands with their words and flags. Each imports what it needs when it runs."""

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxy.cli import keys, upkeep
from proxy.cli.reaching import AsJson, Config, where

if TYPE_CHECKING:
    from proxy.settings.load import Flags, Loaded

app = typer.Typer(
    name="headrace",
    help="One address in front of many LLM inference engines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it prints local variables, and those hold keys
)

app.add_typer(keys.app)
app.add_typer(upkeep.app)

File = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="Settings file, the same as with -c.")
]
Listen = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Where clients connect; also unix:/path.")
]
Admin = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Where health, metrics and status are.")
]
Backend = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="An engine; may be repeated. Replaces those of the file."),
]


class Kind(StrEnum):
    """Whose settings can be brought along."""

    OLLA = "olla"
    LITELLM = "litellm"


def run(words: Sequence[str]) -> int:
    """Run the command that `words` ask for; return its exit code."""
    try:
        app(args=list(words), prog_name="headrace")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


@app.command()
def serve(
    file: File = None,
    config: Config = None,
    backend: Backend = None,
    listen: Listen = None,
    admin: Admin = None,
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="If no engine is found, start two small ones.")
    ] = False,
) -> None:
    """Serve until told to stop. With no backend, look for engines on this machine."""
    flags, config = _flags(listen, admin, backend), _one(file, config)
    loaded = _settings(config, flags)
    from proxy import boot
    from proxy.settings.load import Supply

    if not demo:
        supply = Supply(loaded=loaded, read=partial(_load, config, flags))
        raise typer.Exit(boot.serve(supply))
    from proxy.cli.demo import start_engines
    from proxy.cli.greeting import greet, quiet

    supply = Supply(loaded=quiet(loaded), read=lambda: quiet(_load(config, flags)))
    raise typer.Exit(boot.serve(supply, stand_in=start_engines, greet=greet))


@app.command()
def check(
    file: File = None,
    config: Config = None,
    backend: Backend = None,
    listen: Listen = None,
    admin: Admin = None,
    *,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what a reload would change in a running proxy.")
    ] = False,
) -> None:
    """Check the settings: print a summary, or every problem and exit with 2.

    With --diff: exit with 0 if a reload would change nothing, 1 if something, 2 if it would fail.
    """
    config = _one(file, config)
    if diff:
        if backend or listen:
            kept = "a reload keeps the flags the proxy was started with"
            raise typer.BadParameter(f"{kept}: leave out --backend and --listen")
        _diff(config, admin)
    loaded = _settings(config, _flags(listen, admin, backend))
    from proxy.cli.check import doubts, summary

    typer.echo(summary(loaded.settings))
    for doubt in doubts(loaded.settings):
        typer.echo(f"warning: {doubt}", err=True)


@app.command()
def explain(
    file: File = None,
    config: Config = None,
    backend: Backend = None,
    listen: Listen = None,
    admin: Admin = None,
    *,
    json: AsJson = False,
) -> None:
    """Show the effective settings and where each came from."""
    loaded = _settings(_one(file, config), _flags(listen, admin, backend))
    from proxy.cli import explain as view

    typer.echo(view.as_json(loaded) if json else view.as_yaml(loaded), nl=False)


@app.command()
def models(config: Config = None, admin: Admin = None, *, json: AsJson = False) -> None:
    """List the models that a running proxy serves, and where."""
    _show("models", config, admin, json=json)


@app.command()
def status(config: Config = None, admin: Admin = None, *, json: AsJson = False) -> None:
    """Show the backends, queues and failures of a running proxy."""
    _show("status", config, admin, json=json)


@app.command()
def top(
    config: Config = None,
    admin: Admin = None,
    *,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.5, max=60.0, help="How often to look.")
    ] = 1.0,
    sort: Annotated[
        str,
        typer.Option(help="By state, name, in-flight, tokens, first, between or failed."),
    ] = "state",
    once: Annotated[bool, typer.Option("--once", help="Print one look and end.")] = False,
) -> None:
    """Watch a running proxy's backends; s sorts otherwise, q ends."""
    from proxy.cli import top as drawing
    from proxy.cli import watching

    if sort not in drawing.SORTS:
        allowed = ", ".join(drawing.SORTS)
        raise typer.BadParameter(f"{sort!r} is none of {allowed}", param_hint="--sort")
    there = where(config, admin)
    raise typer.Exit(watching.run(there, every=every, sort=sort, once=once))


@app.command("import")
def bring(
    kind: Annotated[Kind, typer.Argument(metavar="olla|litellm", help="Whose settings these are.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its configuration file.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT", help="Where the result goes; else printed."),
    ] = None,
) -> None:
    """Turn the settings of another proxy into settings for headrace, and tell what became of each.

    The report goes to standard error: what was carried, what was approximated, what was dropped.
    """
    from proxy.cli.converting import command

    raise typer.Exit(command.convert(kind.value, file, output))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def bench(context: typer.Context) -> None:
    """Measure what the proxy costs; `headrace bench --help` says more."""
    from benchmarks.__main__ import main as measure

    raise typer.Exit(measure(context.args))


@app.command()
def usage(
    config: Config = None,
    database: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A SQLite file, not the settings'.")
    ] = None,
    by: Annotated[
        str, typer.Option(help="What sums are by: any of day, key, tenant, model, with commas.")
    ] = "key,model",
    since: Annotated[str | None, typer.Option(metavar="DAY", help="Else: this month.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Else: today.")] = None,
    *,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Show what API keys have used."""
    from proxy.cli import usage as view

    where = database or keys.ledger(config)
    groups = [one.strip() for one in by.split(",")]
    raise typer.Exit(view.show(where, groups, since, until, csv=csv))


@app.command()
def version() -> None:
    """Print the version."""
    # It answers before this module is loaded; here it stands for --help.
    from proxy.cli import main

    main(["version"])


def _flags(listen: str | None, admin: str | None, backends: list[str] | None) -> "Flags":
    from proxy.settings.load import Flags

    return Flags(listen=listen, admin=admin, backends=tuple(backends or ()))


def _load(config: Path | None, flags: "Flags", env: Mapping[str, str] = os.environ) -> "Loaded":
    from proxy.settings.load import load

    return load(config, env, flags)


def _one(file: Path | None, config: Path | None) -> Path | None:
    """Return the settings file, given as an argument or with -c."""
    if file is not None and config is not None:
        raise typer.BadParameter(f"{file} and -c {config}: there is one settings file")
    return config if file is None else file


def _settings(config: Path | None, flags: "Flags", env: Mapping[str, str] = os.environ) -> "Loaded":
    """Return the settings, or end with 2 and all problems on standard error."""
    from proxy.settings.problems import SettingsError

    try:
        return _load(config, flags, env)
    except SettingsError as error:
        typer.echo(error.report(), err=True)
        raise typer.Exit(2) from None


def _show(what: str, config: Path | None, admin: str | None, *, json: bool) -> None:
    from proxy.cli import status as view

    raise typer.Exit(view.show(what, where(config, admin), as_json=json))


def _diff(config: Path | None, admin: str | None) -> None:
    from proxy.cli import diff

    none = _flags(None, None, None)
    there = where(config, admin)
    loaded = _settings(config, none, diff.own_variables(os.environ))
    raise typer.Exit(diff.show(loaded, there))
