"""`headrace keys`: make API keys for clients."""

import secrets
from typing import Annotated

import typer

app = typer.Typer(
    name="keys",
    help="API keys of clients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Name = Annotated[str, typer.Argument(help="How logs and metrics call the key.")]


@app.command()
def create(name: Name) -> None:
    """Make a key. It is shown once; the settings get its hash."""
    from proxy.core import keys

    secret = keys.made(secrets.token_bytes(keys.RANDOM))
    typer.echo(secret)
    typer.echo(as_settings(name, keys.written(keys.digest(secret))), err=True, nl=False)


def as_settings(name: str, written: str) -> str:
    """Return what to put into the settings file for a key of this hash."""
    from proxy.settings.text import quoted

    return (
        "The key stands above; keep it now, it is not shown again. The settings get:\n\n"
        f"keys:\n  clients:\n    {quoted(name)}:\n      hash: {quoted(written)}\n"
    )
