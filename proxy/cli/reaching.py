"""Which running proxy a command is about: the one at an address, else the one of the settings."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from proxy.cli.entry import Entry


Config = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="Settings file; else $HEADRACE_CONFIG."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def where(config: Path | None, admin: str | None) -> "Entry":
    """Return the way to the proxy at `admin`; only without it do the settings say that.

    Ends with 2 if the settings are wrong, with all problems on standard error.
    """
    from proxy.cli import entry
    from proxy.settings.load import load
    from proxy.settings.problems import SettingsError

    try:
        if admin is not None:
            return entry.named(admin)
        return entry.configured(load(config, os.environ).settings)
    except SettingsError as error:
        typer.echo(error.report(), err=True)
        raise typer.Exit(2) from None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--admin") from None
